import { memoryStorage, type Device, type DeviceStorage } from 'afield/node'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { makeCollector, type TestCollector } from './support/collector.js'
import { RECORD, loadedDevice, startDevice } from './support/devices.js'
import { MODEL, makeRepository, type TestRepository } from './support/repository.js'

let repository: TestRepository
let collector: TestCollector
let storage: DeviceStorage

beforeAll(async () => {
  repository = await makeRepository(['1.0.0'])
})

beforeEach(async () => {
  collector = await makeCollector()
  storage = memoryStorage()
})

async function visit(): Promise<Device> {
  return (await loadedDevice(repository, { storage, telemetry: collector.telemetry })).device
}

async function predict(device: Device, times: number): Promise<void> {
  for (let i = 0; i < times; i++) await device.predict(MODEL, RECORD)
}

describe('nothing is lost and nothing counted twice', () => {
  test('when the collector is off for a while', async () => {
    const device = await visit()
    await collector.stop()
    for (let i = 0; i < 3; i++) {
      await predict(device, 10)
      await device.flush()
    }
    expect((await device.telemetry()).pending).toHaveLength(3)
    await collector.start()
    await predict(device, 5)
    await device.flush()
    expect(await collector.version('1.0.0')).toMatchObject({ served: 35, deviceDays: 1 })
    expect(await device.telemetry()).toMatchObject({ pending: [], sent: 4, drops: {} })
  })

  test('when answers are lost after the collector has stored the batch', async () => {
    const device = await visit()
    collector.wire.become('lose-answers')
    for (let i = 0; i < 3; i++) {
      await predict(device, 10)
      await device.flush()
    }
    expect(await collector.served('1.0.0')).toBe(10)
    collector.wire.become('through')
    await device.flush()
    expect(await collector.version('1.0.0')).toMatchObject({ served: 30, deviceDays: 1 })
    // A batch that was tried goes out again to the byte.
    const bodies = collector.wire.requests.map(({ body }) => body)
    expect(bodies.length).toBeGreaterThan(3)
    expect(new Set(bodies).size).toBe(3)
  })

  test.each([{ status: 500 }, { status: 429 }, { status: 408 }, 'cut'] as const)(
    'when the wire says %j at first',
    async (mode) => {
      const device = await visit()
      collector.wire.become(mode)
      await predict(device, 7)
      await device.flush()
      expect((await device.telemetry()).pending).toHaveLength(1)
      collector.wire.become('through')
      await device.flush()
      expect(await collector.served('1.0.0')).toBe(7)
    },
  )

  test('when the page goes before it has sealed', async () => {
    const first = await visit()
    await predict(first, 60)
    // Every 50 predictions go to the checkpoint by themselves; this takes the rest there. Then the page is gone.
    expect((await first.telemetry()).open).toMatchObject([{ ops: { count: 60 } }])
    const second = await visit()
    await predict(second, 3)
    await second.flush()
    expect(await collector.version('1.0.0')).toMatchObject({ served: 63, deviceDays: 1 })
  })

  test('when the page goes after it has sealed and before it has sent', async () => {
    collector.wire.become('cut')
    const first = await visit()
    await predict(first, 25)
    await first.flush()
    await first.close()
    collector.wire.become('through')
    const second = startDevice(repository, { storage, telemetry: collector.telemetry })
    await second.flush()
    expect(await collector.version('1.0.0')).toMatchObject({ served: 25, deviceDays: 1 })
  })

  test('over days and restarts: a device-day is one for each day', async () => {
    for (let i = 0; i < 3; i++) {
      const device = await visit()
      await predict(device, 2)
      await device.flush()
      await device.close()
    }
    expect(await collector.version('1.0.0')).toMatchObject({ served: 6, deviceDays: 1 })
  })
})

test('a batch that the collector refuses for good is given up, and written down', async () => {
  const device = await visit()
  await predict(device, 5)
  await device.flush()
  collector.wire.become({ status: 400 })
  await predict(device, 7)
  await device.flush()
  expect(await device.telemetry()).toMatchObject({ pending: [], sent: 1, drops: { refused: 1 } })
  collector.wire.become('through')
  await predict(device, 2)
  await device.flush()
  expect(await collector.served('1.0.0')).toBe(7)
})
