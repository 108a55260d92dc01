import { beforeEach, describe, expect, test } from 'vitest'
import { HOUR, SECOND, TestClock } from './support/clock.js'
import { loadedDevice, servedVersion } from './support/devices.js'
import { keepJournal, type Journal } from './support/journal.js'
import { makeRepository, type TestRepository } from './support/repository.js'

let repository: TestRepository
let clock: TestClock
let journal: Journal

beforeEach(async () => {
  repository = await makeRepository(['1.0.0'])
  clock = new TestClock()
  journal = keepJournal()
})

const checks = (): number => repository.requests().filter((path) => path === 'metadata/timestamp.json').length

/** How many checks there were, a moment after `atLeast` so many were over. */
async function checksAfter(atLeast: number): Promise<number> {
  await expect.poll(() => journal.of('checked').length).toBeGreaterThanOrEqual(atLeast)
  await new Promise((resolve) => setTimeout(resolve, 30))
  return checks()
}

/** A device that follows its repository, with its first check done. */
async function followingDevice() {
  const { device } = await loadedDevice(repository, { clock, ...journal })
  repository.server.clearRequests()
  device.keeper.follow()
  expect(await checksAfter(1)).toBe(1)
  return device
}

describe('a device that follows its repository', () => {
  test('looks at once, and then about every hour', async () => {
    const device = await followingDevice()
    clock.advance(0.89 * HOUR)
    expect(await checksAfter(1)).toBe(1)
    clock.advance(0.22 * HOUR)
    expect(await checksAfter(2)).toBe(2)
    await repository.publish('2.0.0')
    clock.advance(1.11 * HOUR)
    expect(await checksAfter(3)).toBe(3)
    await expect.poll(() => servedVersion(device)).toBe('2.0.0')
  })

  test('goes on after a check that failed', async () => {
    const device = await followingDevice()
    repository.server.fault('/repository/metadata/timestamp.json', { kind: 'status', status: 500, times: 1 })
    clock.advance(1.11 * HOUR)
    expect(await checksAfter(2)).toBe(2)
    await repository.publish('2.0.0')
    clock.advance(1.11 * HOUR)
    await expect.poll(() => servedVersion(device)).toBe('2.0.0')
  })

  test('looks when it is in view again, unless it did within a minute', async () => {
    const device = await followingDevice()
    clock.advance(59 * SECOND)
    device.keeper.wake()
    expect(await checksAfter(1)).toBe(1)
    clock.advance(1 * SECOND)
    device.keeper.wake()
    expect(await checksAfter(2)).toBe(2)
  })

  test('looks when it is in view again and the last check failed', async () => {
    const device = await followingDevice()
    repository.server.fault('/repository/metadata/timestamp.json', { kind: 'status', status: 500, times: 1 })
    await expect(device.check()).rejects.toMatchObject({ code: 'manifest/unavailable' })
    device.keeper.wake()
    expect(await checksAfter(3)).toBe(3)
  })

  test('stops when it is closed', async () => {
    const device = await followingDevice()
    await device.close()
    clock.advance(10 * HOUR)
    expect(await checksAfter(1)).toBe(1)
  })
})

test('a device that nobody told to follow asks for nothing by itself', async () => {
  const { device } = await loadedDevice(repository, { clock })
  repository.server.clearRequests()
  device.keeper.wake()
  clock.advance(10 * HOUR)
  expect(await checksAfter(0)).toBe(0)
})
