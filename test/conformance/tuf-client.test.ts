import { execFile } from 'node:child_process'
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startHost, type FileHost } from './support/clients.js'
import { filesOf, inDays, makeDraft, nextOf, type Draft } from './support/draft.js'

const CLIENT = fileURLToPath(new URL('tuf-client', import.meta.url))

let draft: Draft
let host: FileHost
let dir: string

beforeEach(async () => {
  draft = await makeDraft()
  host = await startHost(await filesOf(draft))
  dir = await mkdtemp(join(tmpdir(), 'afield-tuf-client-'))
  await writeFile(join(dir, 'first.json'), host.files.get('metadata/1.root.json') ?? '')
})

afterEach(async () => {
  await host.close()
  await rm(dir, { recursive: true, force: true })
})

/** Runs a command of the client; its exit code. */
function run(...args: readonly string[]): Promise<number> {
  const common = ['--metadata-dir', join(dir, 'metadata'), '--metadata-url', `${host.url}metadata`]
  return new Promise((resolve) => {
    const child = execFile(CLIENT, [...common, ...args], () => resolve(child.exitCode ?? -1))
  })
}

const download = (...names: readonly string[]) =>
  run(
    ...names.flatMap((name) => ['--target-name', name]),
    '--target-dir',
    join(dir, 'targets'),
    '--target-base-url',
    `${host.url}targets`,
    'download',
  )

test('initialises, refreshes and downloads, and keeps what it trusts between the calls', async () => {
  expect(await run('init', join(dir, 'first.json'))).toBe(0)
  expect(host.requests).toEqual([])
  expect(await run('refresh')).toBe(0)
  expect(await readdir(join(dir, 'metadata'))).toEqual([
    'root.json',
    'snapshot.json',
    'targets.json',
    'timestamp.json',
  ])
  expect(await download('models/m.json', 'rollouts/m.json')).toBe(0)
  expect(await readFile(join(dir, 'targets', 'models%2Fm.json'))).toEqual(
    Buffer.from(draft.documents.get('models/m.json') ?? []),
  )
  expect(await download('models/unknown.json')).toBe(1)

  const next = nextOf(draft)
  next.snapshot.signed['expires'] = inDays(-1)
  host.files = await filesOf(next)
  expect(await run('refresh')).toBe(1)
  const trusted = JSON.parse(await readFile(join(dir, 'metadata', 'timestamp.json'), 'utf8')) as {
    signed: { version: number }
  }
  expect(trusted.signed.version).toBe(6)
})

test.each([[['refresh']], [['unknown']], [[]]])(
  'fails before anything was initialised, or of %j',
  async (args) => {
    expect(await run(...args)).toBe(1)
  },
)
