import { revoke } from '@afield/cli'
import { beforeEach, expect, test } from 'vitest'
import { RECORD, loadedDevice, servedVersion } from './support/devices.js'
import { MODEL, makeRepository, type TestRepository } from './support/repository.js'

let repository: TestRepository

beforeEach(async () => {
  repository = await makeRepository(['1.0.0'])
})

test('a stream stays with its version over a swap, and lets go once', async () => {
  const { device } = await loadedDevice(repository)
  const pinned = await device.pin(MODEL)
  expect(pinned).toMatchObject({ version: '1.0.0', backend: 'wasm' })
  await repository.publish('2.0.0')
  await device.check()
  expect(await servedVersion(device)).toBe('2.0.0')
  expect(await pinned.predict(RECORD)).toMatchObject({ modelVersion: '1.0.0', servedBy: 'model' })
  expect(await pinned.predictMany([RECORD, RECORD])).toMatchObject({
    modelVersion: '1.0.0',
    results: [{ index: 0 }, { index: 1 }],
  })
  pinned.release()
  pinned.release()
  expect(await servedVersion(device)).toBe('2.0.0')
})

test('what the team switches off ends a stream too', async () => {
  const { device } = await loadedDevice(repository)
  const pinned = await device.pin(MODEL)
  await repository.rollout({ kind: 'kill', what: 'model' })
  await device.check()
  await expect(pinned.predict(RECORD)).rejects.toMatchObject({ code: 'model/killed' })
  await expect(pinned.predictMany([RECORD])).rejects.toMatchObject({ code: 'model/killed' })
  pinned.release()
  await expect(device.pin(MODEL)).rejects.toMatchObject({ code: 'model/killed' })
})

test('a stream ends with its device', async () => {
  const { device } = await loadedDevice(repository)
  const pinned = await device.pin(MODEL)
  await device.close()
  await expect(pinned.predict(RECORD)).rejects.toMatchObject({ code: 'closed' })
})

test('a stream ends with a version that is switched off, also where another takes over on the spot', async () => {
  await repository.rollout({ kind: 'start', stable: '1.0.0' })
  const { device } = await loadedDevice(repository)
  const onStable = await device.pin(MODEL)
  await repository.publish('2.0.0')
  await repository.rollout({ kind: 'start', candidate: '2.0.0', steps: [10_000] })
  await device.check()
  const onCandidate = await device.pin(MODEL)
  expect(await onCandidate.predict(RECORD)).toMatchObject({ modelVersion: '2.0.0' })
  await repository.rollout({ kind: 'kill', what: 'candidate' })
  await device.check()
  await expect(onCandidate.predict(RECORD)).rejects.toMatchObject({ code: 'model/revoked' })
  expect(await onStable.predict(RECORD)).toMatchObject({ modelVersion: '1.0.0' })
  expect(await servedVersion(device)).toBe('1.0.0')
})

test('a stream ends with a version that is revoked or switched off long after another took over', async () => {
  const { device } = await loadedDevice(repository)
  const onFirst = await device.pin(MODEL)
  await repository.publish('2.0.0')
  await device.check()
  const onSecond = await device.pin(MODEL)
  await revoke({ repo: repository.dir, author: 'Tests', reason: 'answers are wrong' }, MODEL, '1.0.0')
  await device.check()
  await expect(onFirst.predict(RECORD)).rejects.toMatchObject({ code: 'model/revoked' })
  expect(await onSecond.predict(RECORD)).toMatchObject({ modelVersion: '2.0.0' })
})

test('a model that is switched off ends the streams of every version', async () => {
  const { device } = await loadedDevice(repository)
  const onFirst = await device.pin(MODEL)
  await repository.publish('2.0.0')
  await device.check()
  await repository.rollout({ kind: 'kill', what: 'model' })
  await device.check()
  await expect(onFirst.predict(RECORD)).rejects.toMatchObject({ code: 'model/killed' })
})
