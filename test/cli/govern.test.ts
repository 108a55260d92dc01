import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { changeRollout, revoke, serveRepository, setMinVersion } from '@afield/cli'
import { createDevice, type Device } from 'afield/node'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { MODEL, makeExample, publishExample } from '../support/learner-risk.js'
import { Crash, crashingAt } from './crashes.js'
import { look } from './device.js'
import { afield, copyRepository, temporaryFolder } from './workspace.js'

const RECORD = { hours_studied: 4, quiz_score: 61 }

let dir: string
let original: string
let repo: string
const open: (() => Promise<void>)[] = []

beforeAll(async () => {
  dir = await temporaryFolder()
  original = await makeExample(join(dir, 'original'), ['1.0.0', '2.0.0'])
})

beforeEach(async () => {
  repo = await copyRepository(original)
})

afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

async function device(): Promise<Device> {
  const server = await serveRepository(repo, { port: 0 })
  const root = await readFile(join(repo, 'metadata', '1.root.json'), 'utf8')
  const made = createDevice({ repository: server.url, root })
  open.push(
    () => made.close(),
    () => server.close(),
  )
  return made
}

const run = async (...args: readonly string[]) => {
  const { code, stdout } = await afield([...args, '--repo', repo, '--json'])
  return { code, ...(JSON.parse(stdout) as Record<string, unknown>) }
}

describe('revoke', () => {
  test('takes a version from a device that runs it, and says what serves instead', async () => {
    const phone = await device()
    expect(await phone.load(MODEL)).toMatchObject({ version: '2.0.0' })
    const revoked = await run('revoke', `${MODEL}@2.0.0`, '--reason', 'trained on the wrong table')
    expect(revoked).toMatchObject({ code: 0, serves: 'learner-risk: every device runs 1.0.0.' })
    await phone.check()
    expect(await phone.predict(MODEL, RECORD)).toMatchObject({ modelVersion: '1.0.0' })
    await expect(phone.load(MODEL, '2.0.0')).rejects.toMatchObject({ code: 'model/revoked' })
  })

  test('a candidate: the rollout goes on with the stable version', async () => {
    await changeRollout({ repo }, MODEL, { kind: 'start', candidate: '2.0.0', steps: [10_000] })
    const { serves } = await revoke({ repo, reason: 'wrong' }, MODEL, '2.0.0')
    expect(serves).toBe('learner-risk: every device runs 1.0.0.')
  })

  test('the last one: nothing is left, and that is said', async () => {
    await revoke({ repo, reason: 'wrong' }, MODEL, '2.0.0')
    const { serves } = await revoke({ repo, reason: 'wrong' }, MODEL, '1.0.0')
    expect(serves).toBe('learner-risk: nothing is left that may run; apps answer with their fallback.')
    await expect((await device()).load(MODEL)).rejects.toMatchObject({ code: 'model/not-found' })
  })

  test('is kept with who, when and why, and later publishes keep it', async () => {
    await revoke({ repo, reason: 'wrong table', author: 'Ada' }, MODEL, '1.0.0')
    await publishExample(repo, '2.0.0', { version: '2.0.1' })
    expect((await look(repo, MODEL)).index?.versions).toMatchObject({
      '1.0.0': { revoked: { author: 'Ada', reason: 'wrong table' } },
      '2.0.1': {},
    })
  })

  test.each([
    [[`${MODEL}@9.0.0`, '--reason', 'x'], 1, 'model/not-found'],
    [['nobody@1.0.0', '--reason', 'x'], 1, 'model/not-found'],
    [[`${MODEL}@one`, '--reason', 'x'], 1, 'model/not-found'],
    [[`${MODEL}@constructor`, '--reason', 'x'], 1, 'model/not-found'],
    [[`${MODEL}@1.0.0`], 2, 'usage'],
    [[MODEL, '--reason', 'x'], 2, 'usage'],
  ])('%s is refused', async (args, code, error) => {
    expect(await run('revoke', ...args)).toMatchObject({ code, error: { code: error } })
    expect((await look(repo, MODEL)).version).toBe(3)
  })

  test('twice is told', async () => {
    await revoke({ repo, reason: 'first reason' }, MODEL, '1.0.0')
    await expect(revoke({ repo, reason: 'second' }, MODEL, '1.0.0')).rejects.toMatchObject({
      code: 'model/revoked',
      message: expect.stringContaining('first reason'),
    })
  })

  test.each([1, 2, 3, 4])('a crash before write %i leaves the old repository valid', async (write) => {
    const crash = revoke({ repo, reason: 'x', files: crashingAt(repo, write) }, MODEL, '1.0.0')
    await expect(crash).rejects.toThrow(Crash)
    expect((await look(repo, MODEL)).index?.versions).not.toHaveProperty(['1.0.0', 'revoked'])
    // The snapshot is the commit, so only the timestamp may be left to the next write.
    await revoke({ repo, reason: 'x' }, MODEL, '1.0.0').catch((error: unknown) => {
      if (write < 4) throw error
    })
    expect((await look(repo, MODEL)).index?.versions).toHaveProperty(['1.0.0', 'revoked'])
  })
})

describe('min-version', () => {
  test('stops what is older, on devices that have it', async () => {
    const phone = await device()
    expect(await phone.load(MODEL, '1.0.0')).toMatchObject({ version: '1.0.0' })
    expect(await run('min-version', MODEL, '2.0.0', '--reason', 'new form')).toMatchObject({
      code: 0,
      serves: 'learner-risk: every device runs 2.0.0.',
    })
    await phone.check()
    await expect(phone.load(MODEL, '1.0.0')).rejects.toMatchObject({ code: 'model/revoked' })
    expect((await look(repo, MODEL)).index?.minVersion).toBe('2.0.0')
  })

  test('a version that was never published, or the same again, is refused', async () => {
    await expect(setMinVersion({ repo }, MODEL, '3.0.0')).rejects.toMatchObject({ code: 'model/not-found' })
    await setMinVersion({ repo }, MODEL, '2.0.0')
    await expect(setMinVersion({ repo }, MODEL, '2.0.0')).rejects.toMatchObject({ code: 'usage' })
  })
})

describe('alias', () => {
  beforeEach(() => changeRollout({ repo }, MODEL, { kind: 'start', stable: '1.0.0' }))

  test('names a version for apps to load by, and moves with the team', async () => {
    expect(await run('alias', MODEL, 'beta', '1.0.0')).toMatchObject({
      code: 0,
      rollout: { aliases: { beta: '1.0.0' } },
    })
    const phone = await device()
    expect(await phone.load(MODEL, 'beta')).toMatchObject({ version: '1.0.0' })
    await run('alias', MODEL, 'beta', '2.0.0')
    await phone.check()
    expect(await phone.load(MODEL, 'beta')).toMatchObject({ version: '2.0.0' })
    expect(await phone.load(MODEL)).toMatchObject({ version: '1.0.0' })
  })

  test('survives a new rollout, and goes with --delete', async () => {
    await run('alias', MODEL, 'beta', '2.0.0')
    await changeRollout({ repo }, MODEL, { kind: 'start', candidate: '2.0.0' })
    expect((await look(repo, MODEL)).rollout?.aliases).toEqual({ beta: '2.0.0' })
    await run('alias', MODEL, 'beta', '--delete')
    expect((await look(repo, MODEL)).rollout?.aliases).toEqual({})
    await expect((await device()).load(MODEL, 'beta')).rejects.toMatchObject({ code: 'model/not-found' })
  })

  test('never passes a revocation or a kill', async () => {
    await run('alias', MODEL, 'beta', '2.0.0')
    await revoke({ repo, reason: 'wrong' }, MODEL, '2.0.0')
    await expect((await device()).load(MODEL, 'beta')).rejects.toMatchObject({ code: 'model/revoked' })
  })

  test.each([
    [['beta', '9.0.0'], 1, 'model/not-found'],
    [['latest', '1.0.0'], 2, 'usage'],
    [['2beta', '1.0.0'], 2, 'usage'],
    [['Beta', '1.0.0'], 2, 'usage'],
    [['beta'], 2, 'usage'],
    [['beta', '1.0.0', '--delete'], 2, 'usage'],
    [['nothing', '--delete'], 1, 'rollout/invalid'],
  ])('%s is refused', async (args, code, error) => {
    expect(await run('alias', MODEL, ...args)).toMatchObject({ code, error: { code: error } })
  })

  test('a name that every object has is still no alias', async () => {
    await expect((await device()).load(MODEL, 'constructor')).rejects.toMatchObject({
      code: 'model/not-found',
    })
  })
})

test('an alias needs a rollout to live in', async () => {
  expect(await run('alias', MODEL, 'beta', '1.0.0')).toMatchObject({
    code: 1,
    error: { code: 'rollout/invalid', message: expect.stringContaining('--stable VERSION') as string },
  })
})
