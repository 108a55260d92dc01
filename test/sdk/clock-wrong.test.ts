import { memoryStorage } from 'afield/node'
import { expect, test } from 'vitest'
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
