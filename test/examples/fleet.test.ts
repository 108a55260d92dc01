import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { changeRollout, publish, serveRepository, type RepositoryServer } from '@afield/cli'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { spreadOf, tableOf } from '../../examples/fleet/spread.js'
import type { FleetDevice } from '../../examples/team/api.js'
import { createRepository, modelFile, publishFirst } from '../../examples/team/repository.js'

const projectRoot = fileURLToPath(new URL('../..', import.meta.url))
let folder: string
let repo: string
let server: RepositoryServer

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'afield-fleet-'))
  repo = join(folder, 'repository')
  await createRepository(repo)
  await publishFirst(projectRoot, repo)
  server = await serveRepository(repo, { port: 0 })
})

afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})

function fleet(...args: readonly string[]): Promise<{ readonly stdout: string }> {
  const program = ['--import', 'tsx', 'examples/fleet/main.ts']
  return promisify(execFile)(process.execPath, [...program, ...args], { cwd: projectRoot })
}

/** A fleet of the repository above, that lives a second. */
async function spread(devices: number): Promise<{ readonly answers: number; readonly spread: unknown }> {
  const where = ['--repository', server.url, '--root', join(repo, 'metadata/1.root.json')]
  const { stdout } = await fleet(
    ...where,
    '--devices',
    String(devices),
    '--seconds',
    '1',
    '--seed',
    '7',
    '--json',
  )
  const report = JSON.parse(stdout) as { devices: number; answers: number; errors: number; spread: unknown }
  expect(report).toMatchObject({ devices, seed: 7, errors: 0 })
  return report
}

test('a fleet of one version answers', async () => {
  const report = await spread(5)
  expect(report.spread).toEqual([{ version: '1.0.0', devices: 5, refusedAnother: 0 }])
  expect(report.answers).toBeGreaterThan(0)
})

test('a broken version for everyone leaves every device on the one before it', async () => {
  await publish({ repo, model: join(projectRoot, modelFile('3.0.0')), version: '3.0.0', skipReplay: true })
  await changeRollout({ repo }, 'learner-risk', { kind: 'start', candidate: '3.0.0', steps: [10_000] })
  const report = await spread(5)
  expect(report.spread).toEqual([{ version: '1.0.0', devices: 5, refusedAnother: 5 }])
})

test.each([
  [[], 'Name a repository and its root'],
  [['--repository', 'ftp://x/', '--root', 'r'], '--repository takes an http or https URL'],
  [['--repository', 'http://127.0.0.1:1/', '--root', 'no-such-file'], 'no-such-file cannot be read'],
  [
    ['--repository', 'http://127.0.0.1:1/', '--root', 'r', '--devices', '0'],
    '--devices takes a whole number',
  ],
])('says what is wrong with %j', async (args, message) => {
  await expect(fleet(...args)).rejects.toThrow(message)
})

test('shows version fragmentation as a table', () => {
  const device = (id: number, version: string | undefined, failed: readonly string[] = []): FleetDevice => ({
    id,
    version,
    bucket: id,
    reason: 'stable',
    failed,
  })
  const devices = [
    device(0, '2.0.0'),
    device(1, '1.0.0', ['2.0.0']),
    device(2, '1.0.0'),
    device(3, undefined),
  ]
  expect(tableOf(spreadOf(devices))).toBe(
    [
      'version  devices   share  refused another',
      '1.0.0          2  50.0 %                1',
      '2.0.0          1  25.0 %                0',
      'none           1  25.0 %                0',
    ].join('\n'),
  )
})
