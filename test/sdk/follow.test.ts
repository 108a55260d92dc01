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

/** Waits until there were so many checks, and a moment longer to see that there are no more. */
async function checked(times: number): Promise<void> {
  await vi.waitFor(() => expect(checks()).toBe(times), { interval: 5 })
  await new Promise((resolve) => setTimeout(resolve, 30))
  expect(checks()).toBe(times)
}

/** A device that follows its repository, with its first check done. */
async function followingDevice() {
  const { device } = await loadedDevice(repository, { clock })
  repository.server.clearRequests()
  device.keeper.follow()
  await checked(1)
  return device
}

describe('a device that follows its repository', () => {
  test('looks at once, and then about every hour', async () => {
    const device = await followingDevice()
    clock.advance(0.89 * HOUR)
    await checked(1)
    clock.advance(0.22 * HOUR)
    await checked(2)
    await repository.publish('2.0.0')
    clock.advance(1.11 * HOUR)
    await checked(3)
    await vi.waitFor(async () => expect(await servedVersion(device)).toBe('2.0.0'))
  })

  test('goes on after a check that failed', async () => {
    const device = await followingDevice()
    repository.server.fault('/repository/metadata/timestamp.json', { kind: 'status', status: 500, times: 1 })
    clock.advance(1.11 * HOUR)
    await checked(2)
    await repository.publish('2.0.0')
    clock.advance(1.11 * HOUR)
    await vi.waitFor(async () => expect(await servedVersion(device)).toBe('2.0.0'))
  })

  test('looks when it is in view again, unless it did within a minute', async () => {
    const device = await followingDevice()
    clock.advance(59 * SECOND)
    device.keeper.wake()
    await checked(1)
    clock.advance(1 * SECOND)
    device.keeper.wake()
    await checked(2)
  })

  test('looks when it is in view again and the last check failed', async () => {
    const device = await followingDevice()
    repository.server.fault('/repository/metadata/timestamp.json', { kind: 'status', status: 500, times: 1 })
    await expect(device.check()).rejects.toMatchObject({ code: 'manifest/unavailable' })
    device.keeper.wake()
    await checked(3)
  })

  test('stops when it is closed', async () => {
    const device = await followingDevice()
    await device.close()
    clock.advance(10 * HOUR)
    await checked(1)
  })
})

test('a device that nobody told to follow asks for nothing by itself', async () => {
  const { device } = await loadedDevice(repository, { clock })
  repository.server.clearRequests()
  device.keeper.wake()
  clock.advance(10 * HOUR)
  await checked(0)
})
