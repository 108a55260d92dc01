import { beforeEach, describe, expect, test } from 'vitest'
import { RECORD, loadedDevice, promisedRisk, servedVersion, startDevice } from './support/devices.js'
import { keepJournal } from './support/journal.js'
import { DIGITS, MODEL, makeRepository, type TestRepository } from './support/repository.js'

let repository: TestRepository

beforeEach(async () => {
  repository = await makeRepository(['1.0.0'])
})

test('a device takes a new version at its next check, and keeps the one before', async () => {
  const journal = keepJournal()
  const { device, storage } = await loadedDevice(repository, journal)
  await repository.publish('2.0.0')
  expect(await servedVersion(device)).toBe('1.0.0')

  repository.server.clearRequests()
  await device.check()
  const { outputs, modelVersion } = await device.predict(MODEL, RECORD)
  expect(modelVersion).toBe('2.0.0')
  expect(outputs['risk_score']).toBeCloseTo(await promisedRisk('2.0.0'), 3)
  expect(journal.of('update').at(-1)).toEqual({
    type: 'update',
    model: MODEL,
    version: '2.0.0',
    previous: '1.0.0',
  })
  expect(repository.requests().filter((path) => path.startsWith('chunks/'))).toHaveLength(1)

  expect(await storage.state.get(`model/${MODEL}`)).toMatchObject({
    current: { version: '2.0.0' },
    previous: { version: '1.0.0' },
  })
  expect((await device.storage()).models).toEqual([
    {
      model: MODEL,
      bytes: expect.any(Number),
      versions: expect.arrayContaining([
        { version: '1.0.0', bytes: 393, totalBytes: 393, role: 'previous' },
        { version: '2.0.0', bytes: 1373, totalBytes: 1373, role: 'current' },
      ]),
    },
  ])
})

test('a swap loses no prediction', async () => {
  const { device } = await loadedDevice(repository)
  await repository.publish('2.0.0')
  const versions: Promise<string>[] = [servedVersion(device)]
  const asking = setInterval(() => versions.push(servedVersion(device)), 1)
  await device.check()
  clearInterval(asking)
  versions.push(servedVersion(device))
  const answered = await Promise.all(versions)
  expect(answered[0]).toBe('1.0.0')
  expect(answered.at(-1)).toBe('2.0.0')
  expect(answered).toEqual([...answered].sort())
})

test('the new version serves at once on the next visit, offline', async () => {
  const { device, storage } = await loadedDevice(repository)
  await repository.publish('2.0.0')
  await device.check()
  await device.close()
  await repository.server.stop()
  expect(await servedVersion((await loadedDevice(repository, { storage })).device)).toBe('2.0.0')
})

test('a visit that could not download the new version goes on with the old one, and takes it later', async () => {
  const { device, storage } = await loadedDevice(repository)
  await repository.publish('2.0.0')
  repository.server.fault('/repository/chunks/**', { kind: 'cut' })
  await expect(device.check()).rejects.toMatchObject({ code: 'chunk/unavailable' })
  await device.close()

  const next = startDevice(repository, { storage })
  await next.load(MODEL)
  expect(await servedVersion(next)).toBe('1.0.0')
  expect(await next.explain(MODEL)).toMatchObject({
    reason: 'last-good',
    sentence: expect.stringContaining('because 2.0.0, which is meant for it, is not here yet'),
  })
  repository.server.clearFaults()
  await next.check()
  expect(await servedVersion(next)).toBe('2.0.0')
})

describe('a rollback', () => {
  test('needs no download', async () => {
    const { device } = await loadedDevice(repository)
    await repository.publish('2.0.0')
    await device.check()
    await repository.rollout({ kind: 'start', stable: '1.0.0' })
    repository.server.clearRequests()
    await device.check()
    expect(await servedVersion(device)).toBe('1.0.0')
    expect(repository.requests().filter((path) => /^(chunks|descriptors)\//.test(path))).toEqual([])
  })
})

describe('several models', () => {
  test('follow each on its own: one that is switched off does not hold the others back', async () => {
    await repository.publishDigits('1.0.0')
    const { device } = await loadedDevice(repository)
    await device.load(DIGITS)
    await repository.rollout({ kind: 'kill', what: 'model' })
    await repository.publishDigits('1.1.0')
    await device.check()
    expect(await device.explain(DIGITS)).toMatchObject({ version: '1.1.0', lastCheck: { error: undefined } })
  })

  test('and so does each version of one that the app asked for', async () => {
    const { device } = await loadedDevice(repository)
    await device.load(MODEL, '1.0.0')
    await repository.rollout({ kind: 'kill', what: 'model' })
    await device.check()
    await expect(device.predict(MODEL, RECORD)).rejects.toMatchObject({ code: 'model/killed' })
    await expect(device.predict(`${MODEL}@1.0.0`, RECORD)).rejects.toMatchObject({ code: 'model/killed' })
  })
})
