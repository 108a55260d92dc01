import type { ModelIndex, Sha256, Version } from '@afield/protocol'
import { memoryStorage } from 'afield/node'
import { expect, test } from 'vitest'
import { failedHere } from '../../packages/sdk/dist/keeper/activation/record.js'
import { DAY, TestClock } from './support/clock.js'
import { loadedDevice, servedVersion } from './support/devices.js'
import { MODEL, makeRepository } from './support/repository.js'

test.each([
  ['a year slow', -365 * DAY],
  ['at the beginning of time', -Date.now()],
])('a clock that is %s serves, updates, and is fine once it is right', async (_what, off) => {
  const repository = await makeRepository(['1.0.0'])
  const storage = memoryStorage()
  const { device } = await loadedDevice(repository, { storage, clock: new TestClock(Date.now() + off) })
  expect(await servedVersion(device)).toBe('1.0.0')
  await repository.publish('2.0.0')
  await device.check()
  expect(await servedVersion(device)).toBe('2.0.0')
  await device.close()

  const right = await loadedDevice(repository, { storage })
  await right.device.check()
  expect(await right.device.explain(MODEL)).toMatchObject({
    version: '2.0.0',
    stale: false,
    lastCheck: { error: undefined },
  })
})

test('a clock that is ten years fast serves, reports stale, and recovers', async () => {
  const repository = await makeRepository(['1.0.0'])
  const storage = memoryStorage()
  await loadedDevice(repository, { storage })
  await repository.publish('2.0.0')
  const fast = await loadedDevice(repository, { storage, clock: new TestClock(Date.now() + 3650 * DAY) })
  await expect(fast.device.check()).rejects.toMatchObject({ code: 'manifest/expired' })
  expect(await servedVersion(fast.device)).toBe('1.0.0')
  expect(await fast.device.explain(MODEL)).toMatchObject({
    stale: true,
    sentence: expect.stringMatching(/The manifest expired on \d{4}-\d\d-\d\d, so it may be behind/),
    lastCheck: { error: 'manifest/expired' },
  })
  await fast.device.close()

  const right = await loadedDevice(repository, { storage })
  await right.device.check()
  expect(await right.device.explain(MODEL)).toMatchObject({ version: '2.0.0', stale: false })
})

test('a version that failed while the clock was ten years fast does not rest for ten years', () => {
  const now = Date.now()
  const version = '1.0.0' as Version
  const descriptor = 'a'.repeat(64) as Sha256
  const index = {
    versions: { [version]: { descriptor: { sha256: descriptor, size: 1 }, created: '' } },
  } as ModelIndex
  const rests = (until: number): boolean => {
    const failure = { version, descriptor, code: 'engine/session-failed', message: '', until } as const
    return failedHere({ strikes: {}, failures: [failure], selfTested: [] }, index, now).has(version)
  }
  expect(rests(now + DAY)).toBe(true)
  expect(rests(now - 1)).toBe(false)
  expect(rests(now + 3650 * DAY)).toBe(false)
})
