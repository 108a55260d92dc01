import { memoryStorage, type DeviceStorage } from 'afield/node'
import { beforeEach, describe, expect, test } from 'vitest'
import { loadedDevice, servedVersion, startDevice, type DeviceChanges } from './support/devices.js'
import { DIGITS, MODEL, makeRepository, type TestRepository } from './support/repository.js'

let repository: TestRepository
let storage: DeviceStorage

beforeEach(async () => {
  repository = await makeRepository(['1.0.0'])
  storage = memoryStorage()
})

/** A device that runs 2.0.0 and holds 1.0.0 for the way back. */
async function updatedDevice(changes: DeviceChanges = {}) {
  const { device } = await loadedDevice(repository, { storage, ...changes })
  await repository.publish('2.0.0')
  await device.check()
  return device
}

describe('storage()', () => {
  test('lists versions, bytes and their roles, and says it in a sentence', async () => {
    const device = await updatedDevice({
      quota: {
        estimate: () => Promise.resolve({ usageBytes: 20_000, quotaBytes: 10_000_000_000 }),
        persisted: () => Promise.resolve(true),
      },
    })
    const report = await device.storage()
    expect(report).toMatchObject({
      kind: 'memory',
      persisted: true,
      usageBytes: 20_000,
      quotaBytes: 10_000_000_000,
      models: [{ model: MODEL, bytes: report.bytes }],
    })
    expect(report.sentence).toMatch(
      /^On this device: learner-risk 1\.0\.0 \(previous\), 2\.0\.0 \(current\); 1\d\.\d kB in all of 10\.0 GB that the browser allows this site\. /,
    )
  })

  test('says on an empty device that there is nothing', async () => {
    const { sentence, models } = await startDevice(repository).storage()
    expect({ sentence, models }).toEqual({ sentence: 'No model is on this device.', models: [] })
  })

  test('lists what earlier visits stored before anything is loaded', async () => {
    await (await updatedDevice()).close()
    const { models } = await startDevice(repository, { storage }).storage()
    expect(models.map(({ model }) => model)).toEqual([MODEL])
  })
})

describe('remove()', () => {
  test('deletes a version, which then comes anew from the repository', async () => {
    const device = await updatedDevice()
    await device.keeper.remove(MODEL, { version: '1.0.0' })
    const [model] = (await device.storage()).models
    expect(model?.versions).toMatchObject([{ version: '2.0.0', role: 'current' }])
    expect(await storage.state.get(`model/${MODEL}`)).not.toHaveProperty('previous')
    expect(await servedVersion(device)).toBe('2.0.0')

    repository.server.clearRequests()
    await repository.rollout({ kind: 'start', stable: '1.0.0' })
    await device.check()
    expect(await servedVersion(device)).toBe('1.0.0')
    expect(repository.requests().filter((path) => path.startsWith('chunks/'))).toHaveLength(1)
  })

  test.each([
    ['the version that serves', '2.0.0', 'input/invalid', /serves on this device/],
    ['a version that nobody published', '9.0.0', 'model/not-found', /not known/],
  ])('refuses %s', async (_what, version, code, message) => {
    const device = await updatedDevice()
    await expect(device.keeper.remove(MODEL, { version })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    })
    expect(await servedVersion(device)).toBe('2.0.0')
  })

  test('of a whole model closes it and leaves nothing of it, and the next load brings it back', async () => {
    await repository.publishDigits()
    const device = await updatedDevice()
    await device.load(DIGITS)
    const before = await device.explain(DIGITS)
    await device.keeper.remove(MODEL)
    await expect(device.predict(MODEL, {})).rejects.toMatchObject({ code: 'model/not-found' })
    expect((await device.storage()).models.map(({ model }) => model)).toEqual([DIGITS])
    expect(await storage.blobs.keys()).toHaveLength(2)
    expect(await device.explain(DIGITS)).toEqual({ ...before, lastCheck: expect.anything() })

    // Removed is removed: looking for news does not bring it back.
    await device.check()
    expect(await storage.blobs.keys()).toHaveLength(2)
    await device.load(MODEL)
    expect(await servedVersion(device)).toBe('2.0.0')
  })

  test('of a whole model keeps its place in a rollout', async () => {
    const device = await updatedDevice()
    await repository.rollout({ kind: 'start', stable: '1.0.0', candidate: '2.0.0', steps: [10_000] })
    await device.check()
    expect(await device.explain(MODEL)).toMatchObject({ reason: 'in-canary' })
    await repository.rollout({ kind: 'pause' })
    await device.check()
    await device.keeper.remove(MODEL)
    await device.load(MODEL)
    expect(await device.explain(MODEL)).toMatchObject({ version: '2.0.0', reason: 'in-canary' })
  })
})
