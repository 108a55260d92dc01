import { memoryStorage } from 'afield/node'
import { expect, test } from 'vitest'
import { RECORD, loadedDevice, servedVersion, startDevice } from './support/devices.js'
import { holdBack } from './support/hold-back.js'
import { keepJournal } from './support/journal.js'
import { MODEL, makeRepository } from './support/repository.js'

test('a kill that comes during a download takes effect at once, and what was on its way never serves', async () => {
  const repository = await makeRepository(['1.0.0', '2.0.0'])
  await repository.rollout({ kind: 'start', stable: '1.0.0' })
  const journal = keepJournal()
  const { device } = await loadedDevice(repository, journal)
  await repository.rollout({ kind: 'start', candidate: '2.0.0', steps: [10_000] })
  const { asked, letGo } = holdBack(repository, 'chunks/**')
  const slow = device.check()
  await asked()

  await repository.rollout({ kind: 'kill', what: 'model' })
  await device.check()
  await expect(device.predict(MODEL, RECORD)).rejects.toMatchObject({ code: 'model/killed' })
  letGo()
  await slow
  expect(journal.of('update').map(({ version }) => version)).toEqual(['1.0.0'])
})

test('a killed device that is restarted finds out by itself that it was revived', async () => {
  const repository = await makeRepository(['1.0.0'])
  const { device, storage } = await loadedDevice(repository)
  await repository.rollout({ kind: 'kill', what: 'model' })
  await device.check()
  await device.close()
  await repository.rollout({ kind: 'revive' })
  expect(await startDevice(repository, { storage }).load(MODEL)).toMatchObject({ version: '1.0.0' })
})

test('a device on which every version failed takes the next one that is published', async () => {
  const repository = await makeRepository(['3.0.0'])
  const storage = memoryStorage()
  await expect(startDevice(repository, { storage }).load(MODEL)).rejects.toMatchObject({
    code: 'model/self-test-failed',
  })
  await repository.publish('2.0.0')
  await repository.rollout({ kind: 'start', stable: '2.0.0' })
  expect(await startDevice(repository, { storage }).load(MODEL)).toMatchObject({ version: '2.0.0' })
})

test('a version that no rollout named does not stand in for a stable one that fails', async () => {
  const repository = await makeRepository(['1.0.0', '3.0.0'])
  await repository.rollout({ kind: 'start', stable: '3.0.0' })
  // 3.0.0 fails here; 1.0.0 came before it and stands in.
  const { device } = await loadedDevice(repository)
  expect(await servedVersion(device)).toBe('1.0.0')
})

test('while its replacement downloads, a device that lost its engine answers from what it has', async () => {
  const repository = await makeRepository(['1.0.0', '2.0.0'])
  await repository.rollout({ kind: 'start', stable: '1.0.0' })
  const { device } = await loadedDevice(repository)
  await repository.rollout({ kind: 'start', candidate: '2.0.0', steps: [10_000] })
  const { asked, letGo } = holdBack(repository, 'chunks/**')
  const slow = device.check()
  await asked()
  await device.keeper.recover(MODEL)
  expect(await servedVersion(device)).toBe('1.0.0')
  letGo()
  await slow
  expect(await servedVersion(device)).toBe('2.0.0')
})
