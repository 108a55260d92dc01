import { AfieldError } from '@afield/protocol'
import type { Device } from 'afield/node'
import { beforeEach, describe, expect, test } from 'vitest'
import { DAY, TestClock } from './support/clock.js'
import { loadedDevice, servedVersion, startDevice } from './support/devices.js'
import { keepJournal, type Journal } from './support/journal.js'
import { MODEL, makeRepository, type TestRepository } from './support/repository.js'

const FAILURE = new AfieldError('engine/run-failed', 'The model failed to run.')

let repository: TestRepository
let clock: TestClock
let journal: Journal

beforeEach(async () => {
  clock = new TestClock()
  journal = keepJournal()
  repository = await makeRepository(['1.0.0'])
})

async function doubt(device: Device, sustained: boolean, route: string = MODEL): Promise<void> {
  const calls = await device.keeper.engineCalls()
  await calls.doubt(route, FAILURE, sustained)
}

/** A device that serves 2.0.0 and has 1.0.0 beside it. */
async function updatedDevice() {
  const loaded = await loadedDevice(repository, { clock, ...journal })
  await repository.publish('2.0.0')
  await loaded.device.check()
  expect(await servedVersion(loaded.device)).toBe('2.0.0')
  return loaded
}

describe('a version that keeps failing', () => {
  test('rests, and the one before it serves on the spot, without a network', async () => {
    const { device } = await updatedDevice()
    await repository.server.stop()
    await doubt(device, true)
    expect(await servedVersion(device)).toBe('1.0.0')
    expect(journal.of('rejected')).toMatchObject([{ version: '2.0.0', code: 'engine/run-failed' }])
    expect((await device.explain(MODEL)).failures).toMatchObject([
      { version: '2.0.0', until: clock.now() + DAY },
    ])
  })

  test('is tried again a day later', async () => {
    const { device } = await updatedDevice()
    await doubt(device, true)
    await device.check()
    expect(await servedVersion(device)).toBe('1.0.0')
    clock.advance(DAY)
    await device.check()
    expect(await servedVersion(device)).toBe('2.0.0')
  })

  test('goes on where nothing can stand in, or where the app asked for it by number', async () => {
    const { device } = await loadedDevice(repository, { clock, ...journal })
    await doubt(device, true)
    expect(await servedVersion(device)).toBe('1.0.0')
    await repository.publish('2.0.0')
    await device.check()
    await device.load(MODEL, '1.0.0')
    await doubt(device, true, `${MODEL}@1.0.0`)
    expect(journal.of('rejected')).toEqual([])
  })
})

describe('a version that failed a few times', () => {
  test('goes on, on another engine, if it still agrees with its golden vectors', async () => {
    const { device } = await updatedDevice()
    const asked = Array.from({ length: 50 }, () => servedVersion(device))
    await doubt(device, false)
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['2.0.0']))
    expect(await servedVersion(device)).toBe('2.0.0')
    expect((await device.explain(MODEL)).failures).toEqual([])
  })

  test('rests if it does not any more', async () => {
    const { device, storage } = await updatedDevice()
    await device.close()
    // As on a device on which 3.0.0 once agreed: what was remembered says so.
    const { descriptor } = await repository.publish('3.0.0')
    const record = (await storage.state.get(`model/${MODEL}`)) as {
      readonly current: { readonly descriptor: string }
      readonly selfTested: readonly string[]
    }
    const first = startDevice(repository, { storage, clock })
    await first.load(MODEL)
    await first.check()
    await first.close()
    const tested = record.selfTested.map((key) => key.replace(record.current.descriptor, descriptor))
    const current = { version: '3.0.0', descriptor }
    const previous = record.current
    await storage.state.write(
      new Map([
        [
          `model/${MODEL}`,
          { ...record, current, previous, failures: [], selfTested: [...record.selfTested, ...tested] },
        ],
      ]),
    )
    const next = startDevice(repository, { storage, clock, ...journal })
    await next.load(MODEL)
    expect(await servedVersion(next)).toBe('3.0.0')
    await doubt(next, false)
    expect(await servedVersion(next)).toBe('2.0.0')
    expect((await next.explain(MODEL)).failures).toMatchObject([
      { version: '3.0.0', code: 'model/self-test-failed' },
    ])
  })
})

test('what was loaded nowhere is not doubted', async () => {
  const { device } = await loadedDevice(repository)
  await doubt(device, true, 'another')
  expect(await servedVersion(device)).toBe('1.0.0')
})
