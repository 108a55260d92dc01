import { beforeEach, describe, expect, test } from 'vitest'
import { RECORD, loadedDevice, servedVersion, startDevice } from './support/devices.js'
import { keepJournal } from './support/journal.js'
import { MODEL, makeRepository, type TestRepository } from './support/repository.js'

let repository: TestRepository

beforeEach(async () => {
  repository = await makeRepository(['1.0.0'])
})

const downloads = (): readonly string[] =>
  repository.requests().filter((path) => /^(chunks|descriptors)\//.test(path))

const killed = {
  code: 'model/killed',
  message: expect.stringContaining('afield rollout revive learner-risk'),
}

describe('a model that the team switches off', () => {
  test('answers no more from the next check on', async () => {
    const journal = keepJournal()
    const { device } = await loadedDevice(repository, journal)
    await repository.rollout({ kind: 'kill', what: 'model' })
    expect(await servedVersion(device)).toBe('1.0.0')
    await device.check()
    await expect(device.predict(MODEL, RECORD)).rejects.toMatchObject(killed)
    expect(await device.explain(MODEL)).toMatchObject({
      version: undefined,
      reason: 'model-killed',
      sentence: 'Nothing serves, because the team switched the model off.',
      lastCheck: { error: undefined },
    })
    expect(journal.of('refused')).toEqual([{ type: 'refused', model: MODEL, ...killed }])
  })

  test('stays off over restarts, without a network too', async () => {
    const { device, storage } = await loadedDevice(repository)
    await repository.rollout({ kind: 'kill', what: 'model' })
    await device.check()
    await repository.server.stop()
    await expect(startDevice(repository, { storage }).load(MODEL)).rejects.toMatchObject(killed)
    await expect(startDevice(repository, { storage }).load(MODEL, '1.0.0')).rejects.toMatchObject(killed)
  })

  test('does not start on a first visit', async () => {
    await repository.rollout({ kind: 'kill', what: 'model' })
    await expect(startDevice(repository).load(MODEL)).rejects.toMatchObject(killed)
    expect(downloads()).toEqual([])
  })

  test('comes back when it is revived, without a download', async () => {
    const { device } = await loadedDevice(repository)
    await repository.rollout({ kind: 'kill', what: 'model' })
    await device.check()
    await repository.rollout({ kind: 'revive' })
    repository.server.clearRequests()
    await device.check()
    expect(await servedVersion(device)).toBe('1.0.0')
    expect(downloads()).toEqual([])
  })
})

describe('a candidate that the team switches off', () => {
  test('gives way to the stable version', async () => {
    await repository.publish('2.0.0')
    await repository.rollout({ kind: 'start', candidate: '2.0.0', stable: '1.0.0', steps: [10_000] })
    const { device } = await loadedDevice(repository)
    expect(await servedVersion(device)).toBe('2.0.0')
    await repository.rollout({ kind: 'kill', what: 'candidate' })
    await device.check()
    expect(await servedVersion(device)).toBe('1.0.0')
    expect(await device.explain(MODEL)).toMatchObject({
      reason: 'candidate-killed',
      sentence: expect.stringContaining('because the team switched 2.0.0 off'),
    })
    await expect(device.load(MODEL, '2.0.0')).rejects.toMatchObject({ code: 'model/killed' })
  })

  test('does not serve on where the stable version cannot be had', async () => {
    await repository.publish('2.0.0')
    await repository.rollout({ kind: 'start', candidate: '2.0.0', stable: '1.0.0', steps: [10_000] })
    const { device, storage } = await loadedDevice(repository)
    await repository.rollout({ kind: 'kill', what: 'candidate' })
    repository.server.fault('/repository/chunks/**', { kind: 'status', status: 500 })
    await expect(device.check()).rejects.toMatchObject({ code: 'chunk/unavailable' })
    await expect(device.predict(MODEL, RECORD)).rejects.toMatchObject({ code: 'model/killed' })
    // Nor after a restart, where it is the only version on the device.
    await expect(startDevice(repository, { storage }).load(MODEL)).rejects.toMatchObject({
      code: 'chunk/unavailable',
    })

    repository.server.clearFaults()
    await device.check()
    expect(await servedVersion(device)).toBe('1.0.0')
  })
})
