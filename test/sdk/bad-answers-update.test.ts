import { memoryStorage, type DeviceStorage } from 'afield/node'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { BAD_ANSWERS } from './support/bad-answers.js'
import { DAY, TestClock } from './support/clock.js'
import { copyStorage, loadedDevice, servedVersion } from './support/devices.js'
import { keepJournal } from './support/journal.js'
import { MODEL, makeRepository, type TestRepository } from './support/repository.js'

let repository: TestRepository
/** Of a device that serves 1.0.0 and has not heard of 2.0.0. */
let before: DeviceStorage

beforeAll(async () => {
  repository = await makeRepository(['1.0.0'])
  await repository.rollout({ kind: 'start', stable: '1.0.0' })
  before = memoryStorage()
  const { device } = await loadedDevice(repository, { storage: before })
  await device.close()
  await repository.publish('2.0.0')
  await repository.rollout({ kind: 'start', candidate: '2.0.0', steps: [10_000] })
})

afterEach(() => repository.server.clearFaults())

test.each(BAD_ANSWERS)(
  '$file $name: $code, and 1.0.0 goes on serving until the next check succeeds',
  async ({ pattern, fault, code, advice }) => {
    const journal = keepJournal()
    const { device } = await loadedDevice(repository, { storage: await copyStorage(before), ...journal })
    repository.server.fault(pattern, fault)
    const message = expect.stringMatching(advice)
    await expect(device.check()).rejects.toMatchObject({ name: 'AfieldError', code, message })
    expect(await servedVersion(device)).toBe('1.0.0')
    expect(await device.explain(MODEL)).toMatchObject({
      version: '1.0.0',
      sentence: expect.stringContaining(`The last check did not get through (${code})`),
      lastCheck: { error: code },
    })
    expect(journal.of('checked').at(-1)).toMatchObject({ error: { code, message } })

    repository.server.clearFaults()
    await device.check()
    expect(await servedVersion(device)).toBe('2.0.0')
    expect(await device.explain(MODEL)).toMatchObject({ lastCheck: { error: undefined } })
  },
)

describe('metadata that has expired', () => {
  test('is refused on a first visit, and left behind by the next publish', async () => {
    const stale = await makeRepository(['1.0.0'])
    const clock = new TestClock(Date.now() + 31 * DAY)
    const expired = {
      code: 'manifest/expired',
      message: expect.stringContaining('any publish or rollout command refreshes it'),
      details: { file: 'timestamp.json' },
    }
    await expect(loadedDevice(stale, { clock })).rejects.toMatchObject(expired)

    await stale.publish('2.0.0', new Date(clock.now()))
    const { device } = await loadedDevice(stale, { clock })
    expect(await servedVersion(device)).toBe('2.0.0')
  })

  test('never stops a device that has a model', async () => {
    const stale = await makeRepository(['1.0.0'])
    const clock = new TestClock()
    const { device, storage } = await loadedDevice(stale, { clock })
    clock.advance(31 * DAY)
    await expect(device.check()).rejects.toMatchObject({ code: 'manifest/expired' })
    expect(await servedVersion(device)).toBe('1.0.0')
    expect(await device.explain(MODEL)).toMatchObject({
      stale: true,
      sentence: expect.stringMatching(/The manifest expired on \d{4}-\d\d-\d\d, so it may be behind/),
      lastCheck: { error: 'manifest/expired' },
    })
    clock.advance(2000 * DAY)
    const next = await loadedDevice(stale, { clock, storage })
    expect(await servedVersion(next.device)).toBe('1.0.0')
  })
})
