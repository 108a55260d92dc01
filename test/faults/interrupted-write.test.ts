import { randomUUID } from 'node:crypto'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  changeRollout,
  diskFiles,
  initRepository,
  listModels,
  publish,
  verify,
  type RepositoryFiles,
} from '@afield/cli'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { MODEL, learnerRisk, makeExample, publishExample } from '../support/learner-risk.js'
import { Crash, beforeWrites, crashingAt, writesOf } from '../cli/crashes.js'
import { download, look } from '../cli/device.js'
import { copyRepository, temporaryFolder } from '../cli/workspace.js'

let dir: string
let original: string
let repo: string

beforeAll(async () => {
  dir = await temporaryFolder()
  original = await makeExample(join(dir, 'original'))
})

beforeEach(async () => {
  repo = await copyRepository(original)
})

const publishSecond = (files?: RepositoryFiles, version = '2.0.0') =>
  publish({ repo, files, model: learnerRisk('2.0.0'), version, skipReplay: true })

describe('a crash before any write of a publish', () => {
  test('comes in the order chunks, descriptor, index, targets, snapshot, timestamp', async () => {
    const kinds = (await writesOf(repo, publishSecond)).map((path) =>
      path.replace(/[0-9a-f]{64}|\d+|\b[0-9a-f]{2}\b/g, '#'),
    )
    expect(kinds).toEqual([
      'chunks/#/#',
      'descriptors/#.json',
      'targets/models/#.learner-risk.json',
      'metadata/#.targets.json',
      'metadata/#.snapshot.json',
      'metadata/timestamp.json',
    ])
  })

  test.each([1, 2, 3, 4, 5])(
    'before write %i: the old repository is valid, and the next try succeeds',
    async (write) => {
      await expect(publishSecond(crashingAt(repo, write))).rejects.toThrow(Crash)
      const seen = await look(repo, MODEL)
      expect(seen.version).toBe(2)
      expect(Object.keys(seen.index?.versions ?? {})).toEqual(['1.0.0'])
      await download(repo, seen, '1.0.0')

      await publishSecond()
      const after = await look(repo, MODEL)
      expect(after.version).toBe(3)
      await download(repo, after, '2.0.0')
    },
  )

  test('before the timestamp, after the commit: the old one is valid, and the next write finishes it', async () => {
    await expect(publishSecond(crashingAt(repo, 6))).rejects.toThrow(Crash)
    expect((await look(repo, MODEL)).version).toBe(2)

    await expect(publishSecond()).rejects.toMatchObject({ code: 'version/exists' })
    const seen = await look(repo, MODEL)
    expect(seen.version).toBe(3)
    await download(repo, seen, '2.0.0')
  })
})

test.each([1, 2, 3, 4])(
  'a crash before write %i of a rollout leaves the old repository valid',
  async (write) => {
    const start = (files?: RepositoryFiles) =>
      changeRollout({ repo, files }, MODEL, { kind: 'start', stable: '1.0.0' })
    await expect(start(crashingAt(repo, write))).rejects.toThrow(Crash)
    const seen = await look(repo, MODEL)
    expect(seen).toMatchObject({ version: 2, rollout: undefined })
    await start()
    expect((await look(repo, MODEL)).rollout).toMatchObject({ stable: '1.0.0' })
  },
)

test('numbered metadata is never overwritten, since caches keep it for ever', async () => {
  await expect(publishSecond(crashingAt(repo, 5))).rejects.toThrow(Crash)
  await publishSecond()
  const names = await readdir(join(repo, 'metadata'))
  // 3.targets.json is the interrupted one's.
  expect(names.filter((name) => name.endsWith('.targets.json'))).toEqual([
    '1.targets.json',
    '2.targets.json',
    '3.targets.json',
    '4.targets.json',
  ])
})

describe('in bins', () => {
  beforeEach(async () => {
    repo = join(dir, randomUUID())
    await initRepository({ repo }, { bins: 4 })
    await publishExample(repo, '1.0.0')
  })

  const problems = async () => (await verify({ repo, root: join(repo, 'metadata', '1.root.json') })).problems
  const versions = async () => (await listModels({ repo })).models.map((model) => model.versions)

  test.each([1, 2, 3, 4, 5, 6])('a crash before write %i leaves the old repository valid', async (write) => {
    await expect(publishSecond(crashingAt(repo, write))).rejects.toThrow(Crash)
    expect(await problems()).toEqual([])
    expect(await versions()).toEqual([1])
    await changeRollout({ repo }, MODEL, { kind: 'start', stable: '1.0.0' })
    expect(await problems()).toEqual([])
  })

  test('of several operators at once, those who came too late are told', async () => {
    const names = ['2.0.0', '2.0.1', '2.0.2']
    const outcomes = await Promise.allSettled(names.map((version) => publishSecond(undefined, version)))
    const refusals = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason as unknown] : [],
    )
    expect(refusals).toEqual(refusals.map(() => expect.objectContaining({ code: 'repository/conflict' })))
    expect(await problems()).toEqual([])
    expect(await versions()).toEqual([1 + names.length - refusals.length])
  })
})

describe('a second operator', () => {
  test('is told when the other was first, and nothing of theirs is published', async () => {
    const files = beforeWrites(diskFiles(repo), async (path) => {
      if (path === 'metadata/3.snapshot.json') {
        await changeRollout({ repo, author: 'The other' }, MODEL, { kind: 'start', stable: '1.0.0' })
      }
    })
    await expect(publishSecond(files)).rejects.toMatchObject({
      code: 'repository/conflict',
      message: expect.stringContaining('metadata/3.snapshot.json is theirs'),
    })
    const seen = await look(repo, MODEL)
    expect(seen).toMatchObject({ version: 3, rollout: { change: { author: 'The other' } } })
    expect(Object.keys(seen.index?.versions ?? {})).toEqual(['1.0.0'])

    await publishSecond()
    expect(await look(repo, MODEL)).toMatchObject({ version: 4, rollout: { stable: '1.0.0' } })
  })

  test('is told when a snapshot lies there that is not whole', async () => {
    await writeFile(join(repo, 'metadata', '3.snapshot.json'), '{ "signatures": [')
    await expect(publishSecond()).rejects.toMatchObject({
      code: 'repository/conflict',
      message: expect.stringContaining('delete metadata/3.snapshot.json'),
    })
    expect((await look(repo, MODEL)).version).toBe(2)
  })

  test('several at once: what was reported as published is there, whole, and the others were told', async () => {
    const versions = ['2.0.0', '2.0.1', '2.0.2', '2.0.3', '2.0.4', '2.0.5']
    const outcomes = await Promise.allSettled(versions.map((version) => publishSecond(undefined, version)))
    const done = versions.filter((_, i) => outcomes[i]?.status === 'fulfilled')
    const refusals = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason as unknown] : [],
    )
    expect(refusals).toEqual(refusals.map(() => expect.objectContaining({ code: 'repository/conflict' })))
    const seen = await look(repo, MODEL)
    expect(Object.keys(seen.index?.versions ?? {}).sort()).toEqual(['1.0.0', ...done])
    expect(seen.version).toBe(2 + done.length)
    expect(done.length).toBeGreaterThan(0)
  })
})
