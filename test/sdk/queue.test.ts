import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { publish } from '@afield/cli'
import { beforeEach, expect, test } from 'vitest'
import { learnerRisk, learnerRiskConfig } from '../support/learner-risk.js'
import { RECORD, loadedDevice } from './support/devices.js'
import { MODEL, makeRepository, type TestRepository } from './support/repository.js'

let repository: TestRepository

beforeEach(async () => {
  repository = await makeRepository(['1.0.0'])
})

test('one runs and as many wait as may; the rest is refused at once, and the next call is answered', async () => {
  const { device } = await loadedDevice(repository)
  await device.configure(MODEL, { maxQueue: 3 })
  const settled = await Promise.allSettled(Array.from({ length: 6 }, () => device.predict(MODEL, RECORD)))
  expect(settled.map((one) => (one.status === 'fulfilled' ? 'answered' : one.reason))).toEqual([
    'answered',
    'answered',
    'answered',
    'answered',
    expect.objectContaining({ code: 'engine/overloaded' }),
    expect.objectContaining({ code: 'engine/overloaded' }),
  ])
  expect(await device.predict(MODEL, RECORD)).toMatchObject({ modelVersion: '1.0.0' })
  const candidates = Array.from({ length: 3000 }, () => RECORD)
  expect((await device.predictMany(MODEL, candidates)).results).toHaveLength(3000)
})

test('where nothing may wait, an idle engine is asked all the same', async () => {
  const { device } = await loadedDevice(repository)
  await device.configure(MODEL, { maxQueue: 0 })
  const [first, second] = await Promise.allSettled([
    device.predict(MODEL, RECORD),
    device.predict(MODEL, RECORD),
  ])
  expect(first.status).toBe('fulfilled')
  expect(second).toMatchObject({ reason: { code: 'engine/overloaded' } })
  expect(await device.predict(MODEL, RECORD)).toMatchObject({ modelVersion: '1.0.0' })
})

test('given up while it waits, a prediction leaves the place to another', async () => {
  const { device } = await loadedDevice(repository)
  await device.configure(MODEL, { maxQueue: 1 })
  const giving = new AbortController()
  const first = device.predict(MODEL, RECORD)
  const second = device.predict(MODEL, RECORD, { signal: giving.signal })
  giving.abort()
  const third = device.predict(MODEL, RECORD)
  await expect(second).rejects.toMatchObject({ code: 'aborted' })
  expect([await first, await third]).toMatchObject([{ modelVersion: '1.0.0' }, { modelVersion: '1.0.0' }])
})

test('kept answers are told apart, with the ids of the input that asks', async () => {
  const { device } = await loadedDevice(repository)
  await device.configure(MODEL, { cache: 2 })
  const ask = async (quiz: number) =>
    (await device.predict(MODEL, { ...RECORD, quiz_score: quiz })).cached ?? false
  const first = await device.predict(MODEL, RECORD)
  const again = await device.predict(MODEL, RECORD)
  expect(first.cached).toBeUndefined()
  expect(again).toMatchObject({ cached: true, outputs: first.outputs })
  expect([await ask(1), await ask(2), await ask(2), await ask(RECORD.quiz_score)]).toEqual([
    false,
    false,
    true,
    false,
  ])
  await device.configure(MODEL, { cache: 0 })
  expect([await ask(2), await ask(2)]).toEqual([false, false])
})

test('answers are kept also where the app says again how many, and the latest used where it says fewer', async () => {
  const { device } = await loadedDevice(repository)
  await device.configure(MODEL, { cache: 3 })
  const ask = async (quiz: number) =>
    (await device.predict(MODEL, { ...RECORD, quiz_score: quiz })).cached ?? false
  expect([await ask(1), await ask(2), await ask(3)]).toEqual([false, false, false])
  await device.configure(MODEL, { cache: 3 })
  expect(await ask(1)).toBe(true)
  await device.configure(MODEL, { cache: 2 })
  expect([await ask(1), await ask(3), await ask(2)]).toEqual([true, true, false])
})

test('a kept answer never has the id of the input before', async () => {
  const config = JSON.parse(await readFile(learnerRiskConfig, 'utf8')) as {
    readonly contract: { readonly input: { readonly fields: object[] } }
  }
  config.contract.input.fields.push({ type: 'id', name: 'learner' })
  const path = join(dirname(repository.dir), 'ids.config.json')
  await writeFile(path, JSON.stringify(config))
  await publish({ repo: repository.dir, model: learnerRisk('1.0.0'), version: '1.1.0', config: path })
  const { device } = await loadedDevice(repository)
  await device.configure(MODEL, { cache: 2 })
  const ask = async (learner?: string) => {
    const { outputs, cached } = await device.predict(MODEL, learner ? { ...RECORD, learner } : RECORD)
    return [outputs['learner'], cached, typeof outputs['risk_score']]
  }
  expect([await ask('Ada'), await ask('Bob'), await ask()]).toEqual([
    ['Ada', undefined, 'number'],
    ['Bob', true, 'number'],
    [undefined, true, 'number'],
  ])
})

test.each([
  [{ workers: 0 }, 'workers'],
  [{ maxQueue: 0.5 }, 'maxQueue'],
  [{ cache: -1 }, 'cache'],
  [{ hungAfterMs: Number.NaN }, 'hungAfterMs'],
  [{ hungAfterMs: '700' as unknown as number }, 'hungAfterMs'],
])('%o is refused, and what held goes on to hold', async (options, field) => {
  const { device } = await loadedDevice(repository)
  await expect(device.configure(MODEL, { ...options, maxQueue: -1 })).rejects.toMatchObject({
    code: 'input/invalid',
  })
  await expect(device.configure(MODEL, options)).rejects.toMatchObject({
    code: 'input/invalid',
    details: { field },
  })
  expect(await device.predict(MODEL, RECORD)).toMatchObject({ modelVersion: '1.0.0' })
})

test('two sessions of one model share what is asked', async () => {
  const { device } = await loadedDevice(repository)
  await device.configure(MODEL, { workers: 2 })
  const answers = await Promise.all(Array.from({ length: 50 }, () => device.predict(MODEL, RECORD)))
  expect(answers).toHaveLength(50)
  await device.close()
  await expect(device.predict(MODEL, RECORD)).rejects.toMatchObject({ code: 'closed' })
})
