import { MAX_BATCH_BYTES, dayOf, parseBatch } from '@afield/protocol'
import { memoryStorage, type Device } from 'afield/node'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { DAY, TestClock } from './support/clock.js'
import { makeCollector, type TestCollector } from './support/collector.js'
import { RECORD, loadedDevice } from './support/devices.js'
import { MODEL, makeRepository, type TestRepository } from './support/repository.js'

let repository: TestRepository
let collector: TestCollector

beforeAll(async () => {
  repository = await makeRepository(['1.0.0'])
})

beforeEach(async () => {
  collector = await makeCollector()
})

async function predict(device: Device, times: number): Promise<void> {
  for (let i = 0; i < times; i++) await device.predict(MODEL, RECORD)
}

describe('without telemetry', () => {
  test('nothing is sent and nothing written', async () => {
    const { device, storage } = await loadedDevice(repository)
    await predict(device, 60)
    await device.flush()
    await device.close()
    expect((await storage.state.keys()).filter((key) => key.startsWith('telemetry'))).toEqual([])
    expect(await device.telemetry()).toEqual({
      state: 'off',
      open: [],
      pending: [],
      sent: 0,
      lastSent: undefined,
      drops: {},
    })
    expect(collector.wire.requests).toEqual([])
  })
})

describe('a batch on the wire', () => {
  test('is what its schema allows, and names nobody', async () => {
    const storage = memoryStorage()
    const { device } = await loadedDevice(repository, { storage, telemetry: collector.telemetry })
    await predict(device, 30)
    await device.flush()
    const [request, ...more] = collector.wire.requests
    expect(more).toEqual([])
    if (!request) throw new Error('Nothing was sent.')
    const { method, path, headers, body } = request

    expect({ method, path }).toEqual({ method: 'POST', path: '/v1/batches?key=test-app' })
    expect(headers['content-type']).toBe('text/plain')
    expect(headers).not.toHaveProperty('cookie')
    expect(headers).not.toHaveProperty('referer')
    expect(body.length).toBeLessThanOrEqual(MAX_BATCH_BYTES)

    const batch = parseBatch(body)
    expect(batch).toMatchObject({
      v: 1,
      day: dayOf(Date.now()),
      firstToday: true,
      cell: {
        model: MODEL,
        version: '1.0.0',
        arm: 'stable',
        backend: 'wasm',
        device: 'other',
        epoch: 0,
        step: 0,
      },
      ops: { count: 30, errors: {} },
    })
    expect(body).not.toContain(String(await storage.state.get('device')))
    expect(body).not.toContain(repository.server.url)
    expect(body).not.toMatch(/\d{2}:\d{2}/)
  })

  test('is shown to the byte before and after it is sent', async () => {
    const { device } = await loadedDevice(repository, { telemetry: collector.telemetry })
    collector.wire.become('cut')
    await predict(device, 3)
    await device.flush()
    const { pending } = await device.telemetry()
    collector.wire.become('through')
    await device.flush()
    expect(pending).toEqual([collector.wire.requests.at(-1)?.body])
    expect((await device.telemetry()).lastSent).toBe(pending[0])
  })

  test('has an id that is drawn for it alone', async () => {
    const { device } = await loadedDevice(repository, { telemetry: collector.telemetry })
    for (let i = 0; i < 3; i++) {
      await predict(device, 1)
      await device.flush()
    }
    expect(new Set(collector.wire.batches().map(({ id }) => id)).size).toBe(3)
  })
})

describe('the floor', () => {
  test('holds back counts and latencies of few answers, until there are enough', async () => {
    const telemetry = { ...collector.telemetry, floor: 20 }
    const { device } = await loadedDevice(repository, { telemetry })
    await predict(device, 19)
    await device.flush()
    expect(collector.wire.batches().map(({ ops }) => [ops.count, ops.latency])).toEqual([[0, {}]])
    expect(await collector.served('1.0.0')).toBe(0)

    await predict(device, 1)
    await device.flush()
    expect(await collector.version('1.0.0')).toMatchObject({ served: 20, deviceDays: 1 })
  })

  test('is 20 unless told otherwise', async () => {
    const { floor: _, ...telemetry } = collector.telemetry
    const { device } = await loadedDevice(repository, { telemetry })
    await predict(device, 19)
    await device.flush()
    expect(await collector.served('1.0.0')).toBe(0)
    await predict(device, 1)
    await device.flush()
    expect(await collector.served('1.0.0')).toBe(20)
  })

  test('lets errors and the funnel through, however few', async () => {
    const telemetry = { ...collector.telemetry, floor: 20 }
    const { device } = await loadedDevice(repository, { telemetry })
    await expect(device.predict(MODEL, {})).rejects.toMatchObject({ code: 'input/invalid' })
    await device.flush()
    expect(await collector.version('1.0.0')).toMatchObject({ served: 0, errors: { 'input/invalid': 1 } })
    expect(collector.wire.batches()[0]?.ops.funnel).toEqual({
      downloaded: 1,
      verified: 1,
      staged: 1,
      confirmed: 1,
    })
  })

  test('gives up what did not become enough by the end of the day, and writes that down', async () => {
    const telemetry = { ...collector.telemetry, floor: 20 }
    const clock = new TestClock()
    const { device } = await loadedDevice(repository, { telemetry, clock })
    await predict(device, 19)
    await device.flush()
    clock.advance(DAY)
    await device.flush()
    expect(await device.telemetry()).toMatchObject({ open: [], pending: [], drops: { withheld: 1 } })
    expect(await collector.served('1.0.0')).toBe(0)
  })
})
