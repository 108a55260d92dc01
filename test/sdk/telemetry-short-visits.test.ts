import { memoryStorage } from 'afield/node'
import { expect, test } from 'vitest'
import { TestClock, SECOND } from './support/clock.js'
import { makeCollector } from './support/collector.js'
import { RECORD, loadedDevice } from './support/devices.js'
import { MODEL, makeRepository } from './support/repository.js'

const MINUTE = 60 * SECOND

test('visits shorter than the interval are sent all the same, once they are old enough', async () => {
  const repository = await makeRepository(['1.0.0'])
  const collector = await makeCollector()
  const storage = memoryStorage()
  const clock = new TestClock()
  for (let visit = 0; visit < 5; visit++) {
    const { device } = await loadedDevice(repository, { storage, clock, telemetry: collector.telemetry })
    for (let i = 0; i < 12; i++) await device.predict(MODEL, RECORD)
    await device.telemetry()
    clock.advance(6 * MINUTE)
    await expect.poll(async () => (await device.telemetry()).pending).toEqual([])
    await device.close()
  }
  await expect.poll(() => collector.served('1.0.0')).toBeGreaterThanOrEqual(36)
})

test('a mark of another format costs its own counts and no others', async () => {
  const repository = await makeRepository(['1.0.0'])
  const collector = await makeCollector()
  const { device } = await loadedDevice(repository, { telemetry: collector.telemetry })
  for (let i = 0; i < 10; i++) await device.predict(MODEL, RECORD)
  await device.telemetry()
  const foreign = { life: 'other', sequence: 1, cells: [{ ops: { errors: { 'not/a-code': 1 } } }] }
  await device.keeper.adoptMarks({ closedLives: ['other'], observations: [foreign] })
  await device.flush()
  expect(await collector.served('1.0.0')).toBe(10)
})

test('telemetry that is switched off deletes what waited, unsent', async () => {
  const repository = await makeRepository(['1.0.0'])
  const collector = await makeCollector()
  const storage = memoryStorage()
  const { device } = await loadedDevice(repository, { storage, telemetry: collector.telemetry })
  for (let i = 0; i < 10; i++) await device.predict(MODEL, RECORD)
  await device.telemetry()
  await device.close()

  const { device: withdrawn } = await loadedDevice(repository, { storage })
  withdrawn.keeper.follow()
  const left = async (): Promise<readonly string[]> =>
    (await storage.state.keys()).filter((key) => key.startsWith('telemetry/'))
  await expect.poll(left).toEqual([])
  expect(collector.wire.requests).toEqual([])
})
