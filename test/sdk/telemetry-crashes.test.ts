import { memoryStorage, type DeviceStorage } from 'afield/node'
import { beforeEach, describe, expect, test } from 'vitest'
import { makeCollector, type TestCollector } from './support/collector.js'
import { startDevice } from './support/devices.js'
import { observation } from './support/observations.js'
import { mortalStorage } from './support/stores.js'

/** Telemetry needs no repository. */
const NOWHERE = { url: 'http://127.0.0.1:9/', root: '' }
const ANSWERS = 30

let collector: TestCollector

beforeEach(async () => {
  collector = await makeCollector()
})

/**
 * A page counts {@link ANSWERS}, hands them over, seals and sends; it dies with its nth write, or right before that.
 *
 * @returns false when it lived to the end.
 */
async function dieAtWrite(storage: DeviceStorage, nth: number, when: 'after' | 'before'): Promise<boolean> {
  let writes = 0
  let died = false
  const mortal = mortalStorage(storage, () => ++writes === nth, when)
  const device = startDevice(NOWHERE, { storage: mortal.storage, telemetry: collector.telemetry })
  const life = device.keeper.observe([observation('page', 1, ANSWERS)]).then(() => device.keeper.flush())
  await Promise.race([life, mortal.death.then(() => (died = true))])
  return died
}

describe('a page that dies while it counts', () => {
  test.each(['after', 'before'] as const)('%s any of its writes loses and doubles nothing', async (when) => {
    let died = true
    let writes = 0
    while (died) {
      writes += 1
      const storage = memoryStorage()
      died = await dieAtWrite(storage, writes, when)
      // The next page finds its mark, which tells again whatever was not known to be durable.
      const next = startDevice(NOWHERE, { storage, telemetry: collector.telemetry })
      await next.keeper.adoptMarks({
        closedLives: ['page'],
        observations: [observation('page', 1, ANSWERS)],
      })
      await next.flush()
      expect(await collector.served('1.0.0'), `dead ${when} write ${writes}`).toBe(ANSWERS * writes)
      expect(await next.telemetry()).toMatchObject({ open: [], pending: [] })
    }
    // Checkpoint, seal and the collector's word: the page had at least three chances to die.
    expect(writes).toBeGreaterThan(3)
  })

  test('is told again as often as one likes', async () => {
    const device = startDevice(NOWHERE, { telemetry: collector.telemetry })
    for (let i = 0; i < 3; i++) {
      await device.keeper.observe([observation('page', 1, 10), observation('page', 2, 5)])
      await device.keeper.adoptMarks({ closedLives: [], observations: [observation('page', 2, 5)] })
      await device.flush()
    }
    expect(await collector.served('1.0.0')).toBe(15)
  })
})
