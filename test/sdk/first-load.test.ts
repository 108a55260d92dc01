import { memoryStorage, type DeviceStorage } from 'afield/node'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { RECORD, loadedDevice, promisedRisk, servedVersion, startDevice } from './support/devices.js'
import { keepJournal } from './support/journal.js'
import { DIGITS, MODEL, makeRepository, type TestRepository } from './support/repository.js'

let repository: TestRepository

beforeAll(async () => {
  repository = await makeRepository(['1.0.0'])
})

beforeEach(() => repository.server.clearRequests())

describe('a first visit', () => {
  test('downloads, verifies and tests the model, and predicts', async () => {
    const journal = keepJournal()
    const device = startDevice(repository, journal)
    const served = await device.load(MODEL)
    expect(served).toEqual({
      model: MODEL,
      version: '1.0.0',
      arm: 'stable',
      backend: 'wasm',
      epoch: 0,
      step: 0,
    })

    const { outputs, modelVersion, servedBy, backend, latencyMs } = await device.predict(MODEL, RECORD)
    expect(outputs).toEqual({
      risk_score: expect.closeTo(await promisedRisk('1.0.0'), 3),
      needs_support: false,
    })
    expect({ modelVersion, servedBy, backend }).toEqual({
      modelVersion: '1.0.0',
      servedBy: 'model',
      backend: 'wasm',
    })
    expect(latencyMs).toBeGreaterThan(0)

    expect(journal.of('progress')).toEqual([
      { type: 'progress', model: MODEL, version: '1.0.0', loadedBytes: 393, totalBytes: 393 },
    ])
    expect(journal.of('update')).toEqual([{ type: 'update', model: MODEL, version: '1.0.0' }])
    expect(journal.logged).toEqual([])
  })

  test('asks for each file once', async () => {
    await loadedDevice(repository)
    const requests = repository.requests()
    expect(new Set(requests).size).toBe(requests.length)
    expect(requests.filter((path) => path.startsWith('chunks/'))).toHaveLength(1)
  })

  test('says why this version serves', async () => {
    const { device } = await loadedDevice(repository)
    expect(await device.explain(MODEL)).toMatchObject({
      version: '1.0.0',
      backend: 'wasm',
      arm: 'stable',
      reason: 'latest-release',
      sentence:
        'This device runs learner-risk 1.0.0 on WASM, the newest release, because no rollout says otherwise.',
      failures: [],
      manifestVersion: 2,
      stale: false,
      storage: 'memory',
      lastCheck: { error: undefined },
    })
  })

  test('that loads the model twice at a time starts one engine', async () => {
    const journal = keepJournal()
    const device = startDevice(repository, journal)
    const [first, second] = await Promise.all([device.load(MODEL), device.load(MODEL)])
    expect(first).toEqual(second)
    expect(journal.of('update')).toHaveLength(1)
    expect(journal.of('progress')).toHaveLength(1)
  })
})

describe('a second visit', () => {
  let storage: DeviceStorage

  beforeAll(async () => {
    const first = await loadedDevice(repository)
    storage = first.storage
    await first.device.close()
  })

  test('predicts without one request', async () => {
    const { device } = await loadedDevice(repository, { storage })
    expect(await servedVersion(device)).toBe('1.0.0')
    expect(repository.requests()).toEqual([])
  })

  test('predicts without a network', async () => {
    await repository.server.stop()
    try {
      const { device } = await loadedDevice(repository, { storage })
      const { outputs } = await device.predict(MODEL, RECORD)
      expect(outputs['risk_score']).toBeCloseTo(await promisedRisk('1.0.0'), 3)
      await expect(device.check()).rejects.toMatchObject({ code: 'manifest/unavailable' })
      expect(await servedVersion(device)).toBe('1.0.0')
      expect(await device.explain(MODEL)).toMatchObject({
        sentence: expect.stringContaining('The last check did not get through (manifest/unavailable)'),
        lastCheck: { error: 'manifest/unavailable' },
      })
    } finally {
      await repository.server.start()
    }
    await startDevice(repository, { storage }).load(MODEL)
  })

  test('looks at the timestamp alone when nothing is new', async () => {
    const journal = keepJournal()
    const { device } = await loadedDevice(repository, { storage, ...journal })
    await device.check()
    expect(repository.requests()).toEqual(['metadata/timestamp.json'])
    expect(journal.of('checked')).toEqual([{ type: 'checked', manifestVersion: 2 }])
  })
})

describe('predict() refuses', () => {
  test.each<[string, Readonly<Record<string, unknown>>, Readonly<Record<string, string>>]>([
    ['a missing field', { hours_studied: 4 }, { field: 'quiz_score', problem: 'missing' }],
    ['a mistyped field', { ...RECORD, quiz_score: '61' }, { field: 'quiz_score', problem: 'mistyped' }],
    [
      'a field out of range',
      { ...RECORD, quiz_score: 101 },
      { field: 'quiz_score', problem: 'out-of-range' },
    ],
    ['an unknown field', { ...RECORD, quizscore: 61 }, { problem: 'unknown' }],
  ])('%s, and goes on serving', async (_, record, details) => {
    const { device } = await loadedDevice(repository)
    await expect(device.predict(MODEL, record)).rejects.toMatchObject({ code: 'input/invalid', details })
    expect(await servedVersion(device)).toBe('1.0.0')
  })

  test('one bad record among many good ones, and no other', async () => {
    const { device } = await loadedDevice(repository)
    const records = Array.from({ length: 20 }, (_, i) => ({ ...RECORD, quiz_score: i === 7 ? -1 : i }))
    const answers = await Promise.allSettled(records.map((record) => device.predict(MODEL, record)))
    expect(answers.map(({ status }) => status)).toEqual(
      records.map(({ quiz_score }) => (quiz_score < 0 ? 'rejected' : 'fulfilled')),
    )
  })

  test('a model that was never loaded, or no longer is', async () => {
    const { device } = await loadedDevice(repository)
    await expect(device.predict('other', RECORD)).rejects.toMatchObject({
      code: 'engine/crashed',
      message: expect.stringContaining('Load the model'),
    })
    await device.close()
    await expect(device.predict(MODEL, RECORD)).rejects.toMatchObject({ code: 'closed' })
  })
})

describe('several models', () => {
  test('serve side by side, each with its own answers', async () => {
    const both = await makeRepository(['1.0.0'])
    await both.publishDigits()
    const device = startDevice(both)
    await Promise.all([device.load(MODEL), device.load(DIGITS)])
    const digit = Object.fromEntries(
      Array.from({ length: 64 }, (_, i) => [`pixel_${String(i).padStart(2, '0')}`, i % 16]),
    )
    const [risk, read] = await Promise.all([device.predict(MODEL, RECORD), device.predict(DIGITS, digit)])
    expect(Object.keys(risk.outputs)).toEqual(['risk_score', 'needs_support'])
    expect(Object.keys(read.outputs)).toHaveLength(10)
  })

  test('one that the repository does not have is told by its name', async () => {
    const device = startDevice(repository, { storage: memoryStorage() })
    await expect(device.load('nonesuch')).rejects.toMatchObject({
      code: 'model/not-found',
      message: 'The repository has no model "nonesuch". Check the name, or publish it.',
    })
    await device.load(MODEL)
    expect(await servedVersion(device)).toBe('1.0.0')
  })
})
