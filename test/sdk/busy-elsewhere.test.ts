import { expect, test } from 'vitest'
import { localLocks } from '../../packages/sdk/dist/keeper/adapters/memory.js'
import type { Locks } from '../../packages/sdk/dist/keeper/ports.js'
import { SECOND, TestClock } from './support/clock.js'
import { loadedDevice, servedVersion, startDevice } from './support/devices.js'
import { MODEL, makeRepository } from './support/repository.js'

/** Rejects a wait that is given up as `navigator.locks` does. */
function browserLocks(): Locks {
  const locks = localLocks()
  return {
    hold: (name, task, signal) =>
      locks.hold(name, task, signal).catch((error: unknown) => {
        throw signal?.aborted ? new DOMException('The request was aborted.', 'AbortError') : error
      }),
  }
}

const LOCKS: [string, () => Locks][] = [
  ["the browser's", browserLocks],
  ['local ones', localLocks],
]

/** Locks of which another tab holds the one for downloads, and when somebody waits for it. */
function held(locks: Locks): {
  readonly locks: Locks
  readonly waits: () => boolean
  readonly free: () => void
} {
  let free: () => void = () => undefined
  let waits = false
  const other = new Promise<void>((resolve) => (free = resolve))
  void locks.hold(`download ${MODEL}`, () => other)
  return {
    locks: {
      hold: (name, task, signal) => {
        if (name.startsWith('download ')) waits = true
        return locks.hold(name, task, signal)
      },
    },
    waits: () => waits,
    free: () => free(),
  }
}

test.each(LOCKS)(
  '`latest` serves what is here when another tab goes on downloading, with %s',
  async (_, make) => {
    const repository = await makeRepository(['1.0.0'])
    const { device: first, storage } = await loadedDevice(repository)
    await first.close()
    await repository.publish('2.0.0')
    const clock = new TestClock()
    const { locks, waits, free } = held(make())
    const device = startDevice(repository, { storage, clock, locks, policy: 'latest' })
    const load = device.load(MODEL)
    await expect.poll(waits).toBe(true)
    clock.advance(4 * SECOND)
    expect(await load).toMatchObject({ version: '1.0.0' })
    free()
    await device.check()
    expect(await servedVersion(device)).toBe('2.0.0')
  },
)

test.each(LOCKS)(
  'a load that is aborted while it waits for another tab says so, with %s',
  async (_, make) => {
    const repository = await makeRepository(['1.0.0'])
    const { locks, waits, free } = held(make())
    const device = startDevice(repository, { locks })
    const controller = new AbortController()
    const load = device.keeper.load(MODEL, {}, controller.signal)
    await expect.poll(waits).toBe(true)
    controller.abort()
    await expect(load).rejects.toMatchObject({ name: 'AfieldError', code: 'aborted' })
    free()
    await device.load(MODEL)
    expect(await servedVersion(device)).toBe('1.0.0')
  },
)
