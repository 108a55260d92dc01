import { beforeEach, describe, expect, test, vi } from 'vitest'
import { HOUR, SECOND, TestClock } from './support/clock.js'
import { loadedDevice, servedVersion } from './support/devices.js'
import { makeRepository, type TestRepository } from './support/repository.js'

let repository: TestRepository
let clock: TestClock

beforeEach(async () => {
  repository = await makeRepository(['1.0.0'])
  clock = new TestClock()
})

const checks = (): number => repository.requests().filter((path) => path === 'metadata/timestamp.json').length

/** How many checks there were, a moment after there were `atLeast` so many. */
async function checksAfter(atLeast: number): Promise<number> {
  await vi.waitFor(() => expect(checks()).toBeGreaterThanOrEqual(atLeast), { interval: 5 })
  await new Promise((resolve) => setTimeout(resolve, 30))
  return checks()
}

/** A device that follows its repository, with its first check done. */
async function followingDevice() {
  const { device } = await loadedDevice(repository, { clock })
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
    await vi.waitFor(async () => expect(await servedVersion(device)).toBe('2.0.0'))
  })

  test('goes on after a check that failed', async () => {
    const device = await followingDevice()
    repository.server.fault('/repository/metadata/timestamp.json', { kind: 'status', status: 500, times: 1 })
    clock.advance(1.11 * HOUR)
    expect(await checksAfter(2)).toBe(2)
    await repository.publish('2.0.0')
    clock.advance(1.11 * HOUR)
    await vi.waitFor(async () => expect(await servedVersion(device)).toBe('2.0.0'))
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
