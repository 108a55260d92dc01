import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { changeRollout, readRollout, type RolloutAction } from '@afield/cli'
import { deviceBucket, type AfieldError } from '@afield/protocol'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { MODEL, makeExample } from '../support/learner-risk.js'
import { decisions, look } from './device.js'
import { copyRepository, readJson, temporaryFolder } from './workspace.js'

let dir: string
let published: string
let repo: string

beforeAll(async () => {
  dir = await temporaryFolder()
  published = await makeExample(join(dir, 'published'), ['1.0.0', '2.0.0', '3.0.0'])
})

beforeEach(async () => {
  repo = await copyRepository(published)
})

const change = (action: RolloutAction) => changeRollout({ repo, author: 'Ops' }, MODEL, action)
const start = (candidate: string, stable = '1.0.0') => change({ kind: 'start', candidate, stable })

describe('a canary', () => {
  test('widens step by step and is promoted; a device that is in stays in', async () => {
    const devices = Array.from({ length: 2000 }, () => randomUUID())
    const onCandidate = async () => {
      const chosen = decisions(await look(repo, MODEL), devices)
      return devices.filter((_, i) => chosen[i]?.kind === 'serve' && chosen[i].version === '2.0.0')
    }
    const { rollout } = await start('2.0.0')
    expect(rollout).toMatchObject({ epoch: 1, coverage: 500, steps: [500, 2500, 10_000], killed: 'none' })
    const first = await onCandidate()
    expect(first).toEqual(devices.filter((id) => deviceBucket(rollout.seed, id) < 500))

    await change({ kind: 'step' })
    const second = await onCandidate()
    expect(second.length).toBeGreaterThan(first.length)
    expect(second).toEqual(expect.arrayContaining(first))

    await change({ kind: 'step' })
    expect(await onCandidate()).toHaveLength(devices.length)

    const promoted = await change({ kind: 'promote' })
    expect(promoted.rollout).toMatchObject({ stable: '2.0.0', coverage: 0, epoch: 1 })
    expect(promoted.rollout.candidate).toBeUndefined()
    expect(await onCandidate()).toHaveLength(devices.length)
  })

  test('is taken back by an abort', async () => {
    await start('2.0.0')
    const { rollout } = await change({ kind: 'abort' })
    expect(rollout).toMatchObject({ stable: '1.0.0', coverage: 0, epoch: 1 })
    expect(decisions(await look(repo, MODEL), ['a'])).toMatchObject([{ version: '1.0.0', reason: 'stable' }])
  })

  test('goes to any higher coverage, on or off the ladder', async () => {
    await start('2.0.0')
    expect((await change({ kind: 'step', to: 1250 })).rollout.coverage).toBe(1250)
    expect((await change({ kind: 'step' })).rollout.coverage).toBe(2500)
  })

  test('takes its ladder and seed from the one who starts it', async () => {
    const { rollout } = await change({
      kind: 'start',
      candidate: '2.0.0',
      stable: '1.0.0',
      steps: [25, 1000],
      seed: 'autumn',
    })
    expect(rollout).toMatchObject({ coverage: 25, steps: [25, 1000], seed: 'autumn' })
  })

  test('every start is a new epoch with a new seed', async () => {
    const first = await start('2.0.0')
    const second = await start('3.0.0')
    expect(second.rollout.epoch).toBe(first.rollout.epoch + 1)
    expect(second.rollout.seed).not.toBe(first.rollout.seed)
  })
})

describe('the stable version of a new rollout', () => {
  test('is the highest release besides the candidate', async () => {
    expect((await change({ kind: 'start', candidate: '3.0.0' })).rollout.stable).toBe('2.0.0')
  })

  test("is the current rollout's, once there is one", async () => {
    await change({ kind: 'start', stable: '1.0.0' })
    expect((await change({ kind: 'start', candidate: '3.0.0' })).rollout.stable).toBe('1.0.0')
  })

  test('can be pinned before the next version comes', async () => {
    const { rollout } = await change({ kind: 'start', stable: '1.0.0' })
    expect(rollout).toMatchObject({ stable: '1.0.0', coverage: 0, steps: [] })
    expect(decisions(await look(repo, MODEL), ['a'])).toMatchObject([{ version: '1.0.0' }])
  })
})

describe('holding back', () => {
  test('a pause lets no new device in, and a resume goes on', async () => {
    const { rollout } = await start('2.0.0')
    const id = Array.from({ length: 500 }, (_, i) => `device ${i}`).find(
      (d) => deviceBucket(rollout.seed, d) < 500,
    )
    expect(id).toBeDefined()
    await change({ kind: 'pause' })
    expect(decisions(await look(repo, MODEL), [id ?? ''])).toMatchObject([{ reason: 'canary-paused' }])
    await change({ kind: 'resume' })
    expect(decisions(await look(repo, MODEL), [id ?? ''])).toMatchObject([{ reason: 'in-canary' }])
  })

  test('a killed candidate serves nowhere', async () => {
    await start('2.0.0')
    await change({ kind: 'step', to: 10_000 })
    await change({ kind: 'kill', what: 'candidate' })
    expect(decisions(await look(repo, MODEL), ['a'])).toMatchObject([
      { version: '1.0.0', reason: 'candidate-killed' },
    ])
  })

  test('a model can be killed in an emergency, also when it never had a rollout', async () => {
    const { rollout } = await change({ kind: 'kill', what: 'model' })
    expect(rollout).toMatchObject({ killed: 'model', stable: '3.0.0', epoch: 1 })
    expect(decisions(await look(repo, MODEL), ['a'])).toEqual([{ kind: 'refuse', reason: 'model-killed' }])
    expect((await change({ kind: 'revive' })).rollout.killed).toBe('none')
  })
})

describe('refused changes', () => {
  /** How a change is refused, and whether the repository is as it was. */
  const refusal = async (action: RolloutAction) => {
    const before = await look(repo, MODEL)
    const error = await change(action).then(
      () => ({ code: 'none', message: 'it was done' }),
      (reason: AfieldError) => reason,
    )
    const untouched = isDeepStrictEqual(await look(repo, MODEL), before)
    return { code: error.code, message: error.message, untouched }
  }
  const refused = (message: RegExp, code = 'rollout/invalid') => ({
    code,
    message: expect.stringMatching(message),
    untouched: true,
  })

  test('coverage that goes down without an abort', async () => {
    await start('2.0.0')
    await change({ kind: 'step' })
    expect(await refusal({ kind: 'step', to: 1000 })).toEqual(refused(/coverage went down without an abort/))
  })

  test('a step that leads nowhere', async () => {
    await change({ kind: 'start', candidate: '2.0.0', stable: '1.0.0', steps: [10_000] })
    expect(await refusal({ kind: 'step' })).toEqual(refused(/is at the last step, 100 %/))
    expect(await refusal({ kind: 'step', to: 10_000 })).toEqual(refused(/coverage is 100 % already/))
  })

  test('widening what is paused or killed', async () => {
    await start('2.0.0')
    await change({ kind: 'pause' })
    expect(await refusal({ kind: 'step' })).toEqual(refused(/paused\. Resume it first/))
    await change({ kind: 'kill', what: 'candidate' })
    expect(await refusal({ kind: 'promote' })).toEqual(refused(/the candidate is killed/))
    expect(await refusal({ kind: 'resume' })).toEqual(refused(/the candidate is killed/))
  })

  test('a start that would quietly revive a killed model', async () => {
    await change({ kind: 'kill', what: 'model' })
    const action: RolloutAction = { kind: 'start', candidate: '2.0.0', stable: '1.0.0' }
    expect(await refusal(action)).toEqual(refused(/Revive it first/))
  })

  test.each(['step', 'abort', 'promote', 'pause', 'resume', 'revive'] as const)(
    '%s where there is no rollout',
    async (kind) => {
      expect(await refusal({ kind })).toEqual(refused(/has no rollout yet/))
    },
  )

  test.each(['step', 'abort', 'promote', 'pause'] as const)(
    '%s where no candidate is on its way',
    async (kind) => {
      await change({ kind: 'start', stable: '1.0.0' })
      expect(await refusal({ kind })).toEqual(refused(/no candidate is on its way/))
    },
  )

  test('killing a candidate where none is on its way', async () => {
    await change({ kind: 'start', stable: '1.0.0' })
    expect(await refusal({ kind: 'kill', what: 'candidate' })).toEqual(refused(/no candidate is on its way/))
  })

  test('a version that was never published', async () => {
    expect(await refusal({ kind: 'start', candidate: '9.0.0' })).toEqual(
      refused(/has no version "9\.0\.0"\. It has: 3\.0\.0, 2\.0\.0, 1\.0\.0/, 'model/not-found'),
    )
  })

  test('a candidate that is the stable version', async () => {
    const action: RolloutAction = { kind: 'start', candidate: '2.0.0', stable: '2.0.0' }
    expect(await refusal(action)).toEqual(refused(/is the stable version already/))
  })

  test('a model that is not there', async () => {
    const other = changeRollout({ repo }, 'other', { kind: 'kill', what: 'model' })
    await expect(other).rejects.toMatchObject({
      code: 'model/not-found',
      message: expect.stringContaining(MODEL),
    })
  })
})

test('steering needs only the ops key, and leaves what may run untouched', async () => {
  await rm(join(`${repo}.keys`, 'release.pem'))
  const { repositoryVersion } = await start('2.0.0')
  const snapshot = (await readJson(join(repo, 'metadata', `${repositoryVersion}.snapshot.json`))) as {
    signed: { meta: Record<string, { version: number }> }
  }
  expect(snapshot.signed.meta).toMatchObject({
    'targets.json': { version: 4 },
    'rollouts.json': { version: 2 },
  })
})

test('each rollout names the one before it, who changed it and why', async () => {
  await start('2.0.0')
  await changeRollout({ repo, author: 'Grace', reason: 'p95 is fine' }, MODEL, { kind: 'step' })
  const rollout = await readRollout({ repo }, MODEL)
  expect(rollout?.change).toMatchObject({ author: 'Grace', reason: 'p95 is fine' })
  const before = join(repo, 'targets', 'rollouts', `${rollout?.predecessor}.${MODEL}.json`)
  expect(await readJson(before)).toMatchObject({
    coverage: 500,
    change: { author: 'Ops', reason: 'rollout start' },
  })
})

test('a model without a rollout has none to read', async () => {
  expect(await readRollout({ repo }, MODEL)).toBeUndefined()
})
