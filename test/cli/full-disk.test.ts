import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { deploy, folderTarget, publish } from '@afield/cli'
import { beforeEach, expect, test } from 'vitest'
import { makeExample } from '../support/learner-risk.js'
import { download, look } from './device.js'
import { randomLayer, writeModel } from './onnx-model.js'
import { bin, temporaryFolder } from './workspace.js'

/** Runs the command where no file may grow above 64 KiB: the system then refuses to write, as a full disk does. */
function afieldOnFullDisk(
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly printed: unknown }> {
  // The signal must be ignored, or the system ends the process instead of refusing the write.
  const script = 'trap "" XFSZ; ulimit -f 128; exec "$@"'
  return new Promise((done) => {
    execFile('sh', ['-c', script, 'sh', process.execPath, bin, ...args, '--json'], (error, stdout) =>
      done({
        code: typeof error?.code === 'number' ? error.code : error ? -1 : 0,
        printed: JSON.parse(stdout) as unknown,
      }),
    )
  })
}

let dir: string
let repo: string
let model: string

beforeEach(async () => {
  dir = await temporaryFolder()
  repo = await makeExample(join(dir, 'repo'))
  model = await writeModel(dir, 'large', [
    randomLayer(2, 300, 1),
    randomLayer(300, 300, 2),
    randomLayer(300, 1, 3),
  ])
})

const FULL = {
  code: 1,
  printed: {
    error: {
      code: 'disk/full',
      message: expect.stringContaining('What was there before is still valid') as string,
    },
  },
}

test('a publish that finds the disk full leaves the old repository valid, and nothing half', async () => {
  expect(await afieldOnFullDisk('publish', model, '--version', '2.0.0', '--repo', repo)).toMatchObject(FULL)
  const seen = await look(repo, 'learner-risk')
  expect(Object.keys(seen.index?.versions ?? {})).toEqual(['1.0.0'])
  await download(repo, seen, '1.0.0')
  const left = (await readdir(repo, { recursive: true })).filter((name) => name.endsWith('.tmp'))
  expect(left).toEqual([])
  await publish({ repo, model, version: '2.0.0' })
  await download(repo, await look(repo, 'learner-risk'), '2.0.0')
})

test('a deploy, a fetch and a bundle that find it full leave what was there', async () => {
  const site = join(dir, 'site')
  const seed = join(dir, 'seed')
  await deploy({ repo, target: folderTarget(site) })
  await publish({ repo, model, version: '2.0.0' })
  expect(await afieldOnFullDisk('deploy', site, '--repo', repo)).toMatchObject(FULL)
  expect((await look(site, 'learner-risk')).version).toBe(2)
  expect(await afieldOnFullDisk('bundle', 'learner-risk', '--out', seed, '--repo', repo)).toMatchObject(FULL)
  expect(await afieldOnFullDisk('fetch', 'learner-risk@2.0.0', '--out', seed, '--repo', repo)).toMatchObject(
    FULL,
  )
  expect(await readdir(dir)).not.toContain('seed')
  expect((await readdir(dir)).filter((name) => name.endsWith('.tmp'))).toEqual([])
})
