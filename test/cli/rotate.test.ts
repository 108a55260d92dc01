import { randomUUID } from 'node:crypto'
import { copyFile, mkdir, readFile, readdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  approve,
  changeRollout,
  diskFiles,
  initRepository,
  publish,
  rotate,
  serveRepository,
  verify,
  type InitOptions,
  type RepositoryFiles,
  type RotateOptions,
} from '@afield/cli'
import { createDevice } from 'afield/node'
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { MODEL, learnerRisk, publishExample } from '../support/learner-risk.js'
import { Crash, beforeWrites, crashingAt } from './crashes.js'
import { look } from './device.js'
import { readAsTuf } from './tuf-client.js'
import { afield, copyRepository, readJson, temporaryFolder } from './workspace.js'

const TARGETS = [`models/${MODEL}.json`, `rollouts/${MODEL}.json`]

let dir: string
let flat: string
let binned: string
let repo: string

async function make(repo: string, options: InitOptions): Promise<string> {
  await initRepository({ repo }, options)
  await publishExample(repo, '1.0.0')
  await changeRollout({ repo }, MODEL, { kind: 'start', stable: '1.0.0' })
  return repo
}

beforeAll(async () => {
  dir = await temporaryFolder()
  flat = await make(join(dir, 'flat'), {})
  binned = await make(join(dir, 'binned'), { bins: 2 })
})

beforeEach(async () => {
  repo = await copyRepository(flat)
})

const turn = (owner: string, more: Partial<RotateOptions> = {}) =>
  rotate({ repo, owner, author: 'Security', reason: 'a laptop was lost', ...more })
const publishSecond = () => publishExample(repo, '2.0.0')
const problems = async () => (await verify({ repo, root: join(repo, 'metadata', '1.root.json') })).problems

interface SignedFile {
  readonly signatures: readonly { readonly keyid: string }[]
  readonly signed: { readonly version: number; readonly roles: Record<string, { keyids: string[] }> }
}
const metadata = async (file: string): Promise<SignedFile> =>
  (await readJson(join(repo, 'metadata', file))) as unknown as SignedFile

test.each(['release', 'ops'])('rotate %s: apps that bundle the first root follow', async (owner) => {
  const before = await metadata('1.root.json')
  const rotated = await turn(owner)
  expect(rotated).toMatchObject({ rootVersion: 2, committed: { repositoryVersion: 4 } })
  const after = await metadata('2.root.json')
  const role = owner === 'ops' ? 'timestamp' : 'root'
  expect(after.signed.roles[role]?.keyids).not.toEqual(before.signed.roles[role]?.keyids)
  expect(await look(repo, MODEL)).toMatchObject({ version: 4, rollout: { stable: '1.0.0' } })

  await publishSecond()
  await changeRollout({ repo }, MODEL, { kind: 'start', candidate: '2.0.0' })
  expect(await look(repo, MODEL)).toMatchObject({ version: 6, rollout: { candidate: '2.0.0' } })
  expect(await problems()).toEqual([])
  await readAsTuf(repo, TARGETS)
})

test('a device that was there before follows to the new keys, and serves on', async () => {
  const server = await serveRepository(repo, { port: 0 })
  const root = await readFile(join(repo, 'metadata', '1.root.json'), 'utf8')
  const day = 86_400_000
  let now = Date.now()
  const clock = { now: () => now, after: () => () => undefined }
  const device = createDevice({ repository: server.url, root, clock })
  try {
    expect(await device.load(MODEL)).toMatchObject({ version: '1.0.0' })
    for (const owner of ['ops', 'release']) await turn(owner)
    await publishSecond()
    await changeRollout({ repo }, MODEL, { kind: 'start', stable: '2.0.0' })
    now += day
    await device.check()
    expect(await device.predict(MODEL, { hours_studied: 4, quiz_score: 61 })).toMatchObject({
      modelVersion: '2.0.0',
    })
  } finally {
    await device.close()
    await server.close()
  }
})

test('the old key file is kept aside, and the new one takes its name', async () => {
  await turn('ops')
  const names = await readdir(`${repo}.keys`)
  expect(names).toEqual(['ops.pem', 'release.pem', 'retired'])
  expect(await readdir(join(`${repo}.keys`, 'retired'))).toEqual([
    expect.stringMatching(/^ops-[0-9a-f]{12}\.pem$/),
  ])
})

test('whoever took the old ops key can change nothing any more', async () => {
  const stolen = join(dir, randomUUID())
  await mkdir(stolen, { mode: 0o700 })
  await rename(join(`${repo}.keys`, 'ops.pem'), join(stolen, 'ops.pem'))
  await turn('ops')
  await expect(
    changeRollout({ repo, keys: stolen }, MODEL, { kind: 'kill', what: 'model' }),
  ).rejects.toMatchObject({ code: 'keys/wrong' })
  expect(await look(repo, MODEL)).toMatchObject({ rollout: { killed: 'none' } })
})

test('a threshold comes by a rotation, and holds from then on', async () => {
  await turn('release', { threshold: { required: 2, total: 2 } })
  expect(await problems()).toEqual([])
  await publishSecond()
  const elsewhere = join(dir, randomUUID())
  await mkdir(elsewhere, { mode: 0o700 })
  await rename(join(`${repo}.keys`, 'release-2.pem'), join(elsewhere, 'release-2.pem'))
  await expect(turn('ops')).rejects.toMatchObject({ code: 'proposal/waiting' })
  expect(await look(repo, MODEL)).toMatchObject({ version: 5 })
  await approve({ repo, keys: elsewhere })
  expect(await approve({ repo })).toMatchObject({ status: 'committed' })
  expect(await problems()).toEqual([])
  expect(await readdir(`${repo}.keys`)).toEqual(['ops.pem', 'release-1.pem', 'retired'])
})

test('a write that fails is over when it says so', async () => {
  repo = await copyRepository(binned)
  const disk = diskFiles(repo)
  let writing = 0
  const create: typeof disk.create = async (path, bytes) => {
    if (path.endsWith('.targets.json')) throw new Crash()
    writing++
    await sleep(20)
    return disk.create(path, bytes).finally(() => writing--)
  }
  await expect(turn('release', { files: { ...disk, create } })).rejects.toThrow(Crash)
  expect(writing).toBe(0)
})

test('a second operator who wrote first is not overwritten', async () => {
  const files: RepositoryFiles = beforeWrites(diskFiles(repo), async (path) => {
    if (path !== 'metadata/4.snapshot.json') return
    await changeRollout({ repo, author: 'The other' }, MODEL, { kind: 'kill', what: 'model' })
  })
  await expect(turn('ops', { files })).rejects.toMatchObject({ code: 'repository/conflict' })
  expect(await look(repo, MODEL)).toMatchObject({ rollout: { change: { author: 'The other' } } })
  expect(await turn('ops')).toMatchObject({ rootVersion: 2 })
  expect(await problems()).toEqual([])
})

test('a second operator who writes between timestamp and root keeps the old keys in force', async () => {
  const files: RepositoryFiles = {
    ...diskFiles(repo),
    replace: async (path, bytes) => {
      await diskFiles(repo).replace(path, bytes)
      const keys = join(dir, randomUUID())
      await mkdir(keys, { mode: 0o700 })
      for (const name of ['ops.pem', 'release.pem'])
        await copyFile(join(`${flat}.keys`, name), join(keys, name))
      await publish({ repo, keys, model: learnerRisk('2.0.0'), version: '2.0.0', skipReplay: true })
    },
  }
  await expect(turn('release', { files })).rejects.toMatchObject({ code: 'repository/conflict' })
  expect(await problems()).toEqual([])
  expect(await turn('release')).toMatchObject({ rootVersion: 2 })
  expect(await problems()).toEqual([])
  expect(Object.keys((await look(repo, MODEL)).index?.versions ?? {})).toEqual(['1.0.0', '2.0.0'])
})

test('key files that a crash left unnamed are named by the next try, which changes nothing else', async () => {
  await turn('ops')
  await rename(join(`${repo}.keys`, 'ops.pem'), join(`${repo}.keys`, 'ops.next.pem'))
  expect(await turn('ops')).not.toHaveProperty('committed')
  expect(await readdir(`${repo}.keys`)).toEqual(['ops.pem', 'release.pem', 'retired'])
  expect(await look(repo, MODEL)).toMatchObject({ version: 4 })
})

const misuses: readonly (readonly string[])[] = [['everything'], ['ops', '--threshold', '2/3']]
test.each(misuses)('rotate %s %s %s is refused', async (...args) => {
  const given = args.filter((arg) => arg !== undefined)
  const { code, stdout } = await afield(['rotate', ...given, '--repo', repo, '--json'])
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'usage' } })
  expect(code).toBe(2)
})

test('the release key has to be there', async () => {
  await rename(join(`${repo}.keys`, 'release.pem'), join(dir, `${randomUUID()}.pem`))
  await expect(turn('ops')).rejects.toMatchObject({ code: 'keys/missing' })
  expect(await readdir(`${repo}.keys`)).toEqual(['ops.pem'])
})

describe('with a passphrase', () => {
  const OLD = 'correct horse battery'
  const NEW = 'another staple entirely'

  beforeEach(async () => {
    vi.stubEnv('AFIELD_PASSPHRASE', OLD)
    repo = await make(join(dir, randomUUID()), { passphrase: OLD })
  })
  afterEach(() => {
    vi.unstubAllEnvs()
  })
  const keyFiles = async () => (await readdir(`${repo}.keys`)).filter((name) => name.endsWith('.pem'))
  const isEncrypted = async (name: string) =>
    (await readFile(join(`${repo}.keys`, name), 'utf8')).includes('BEGIN ENCRYPTED')

  test.each(['release', 'ops'])('encrypted %s keys never become plain ones unasked', async (owner) => {
    await expect(turn(owner)).rejects.toMatchObject({
      code: 'keys/passphrase',
      message: expect.stringContaining('--passphrase'),
    })
    expect(await keyFiles()).toEqual(['ops.pem', 'release.pem'])
    expect((await look(repo, MODEL)).version).toBe(3)
    await turn(owner, { passphrase: OLD })
    expect(await isEncrypted(`${owner}.pem`)).toBe(true)
  })

  test.each(['release', 'ops'])('the one of the %s key is changed', async (owner) => {
    await turn(owner, { passphrase: NEW })
    expect(await keyFiles()).toEqual(['ops.pem', 'release.pem'])
    await expect(publishSecond()).rejects.toMatchObject({ code: 'keys/passphrase' })

    const file = join(dir, randomUUID())
    await writeFile(file, `${OLD}\n${NEW}\n`)
    vi.stubEnv('AFIELD_PASSPHRASE', '')
    vi.stubEnv('AFIELD_PASSPHRASE_FILE', file)
    await publishSecond()
    expect(await problems()).toEqual([])
  })

  test('the command changes it, too, with both in a file', async () => {
    const file = join(dir, randomUUID())
    await writeFile(file, `${NEW}\n${OLD}\n`)
    const env = { AFIELD_PASSPHRASE: '', AFIELD_PASSPHRASE_FILE: file }
    for (const owner of ['ops', 'release']) {
      expect(await afield(['rotate', owner, '--repo', repo, '--passphrase'], env)).toMatchObject({ code: 0 })
    }
    vi.stubEnv('AFIELD_PASSPHRASE', NEW)
    await publishSecond()
    expect(await problems()).toEqual([])
  })

  test('an interrupted rotation to another one stops nobody with the old one', async () => {
    await expect(turn('ops', { passphrase: NEW, files: crashingAt(repo, 1) })).rejects.toThrow(Crash)
    await publishSecond()
    await expect(turn('ops', { passphrase: NEW })).rejects.toMatchObject({ code: 'keys/passphrase' })
    const file = join(dir, randomUUID())
    await writeFile(file, `${OLD}\n${NEW}\n`)
    vi.stubEnv('AFIELD_PASSPHRASE', '')
    vi.stubEnv('AFIELD_PASSPHRASE_FILE', file)
    await turn('ops', { passphrase: NEW })
    expect(await keyFiles()).toEqual(['ops.pem', 'release.pem'])
    expect(await problems()).toEqual([])
  })
})

test('a folder whose name looks like that of a new key changes nothing', async () => {
  await mkdir(join(dir, 'x.next.y'))
  repo = await copyRepository(flat, join(dir, 'x.next.y', randomUUID()))
  const files = beforeWrites(diskFiles(repo), (path) => {
    if (path === 'metadata/timestamp.json') throw new Crash()
  })
  await expect(changeRollout({ repo, files }, MODEL, { kind: 'kill', what: 'model' })).rejects.toThrow(Crash)
  // The old ops key is at hand, so what was interrupted is finished first.
  expect(await turn('ops')).toMatchObject({ committed: { repositoryVersion: 5 } })
})
