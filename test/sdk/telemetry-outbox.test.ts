import { dayOf, type Day } from '@afield/protocol'
import { memoryStorage, type DeviceStorage } from 'afield/node'
import { beforeEach, describe, expect, test } from 'vitest'
import { DAY, HOUR, SECOND, TestClock } from './support/clock.js'
import { makeCollector, type TestCollector } from './support/collector.js'
import { startDevice } from './support/devices.js'
import { observation } from './support/observations.js'

const NOWHERE = { url: 'http://127.0.0.1:9/', root: '' }
const MINUTE = 60 * SECOND

let collector: TestCollector
let clock: TestClock
let storage: DeviceStorage

beforeEach(async () => {
  collector = await makeCollector()
  clock = new TestClock()
  storage = memoryStorage()
})

const startReporting = () =>
  startDevice(NOWHERE, { clock, storage, telemetry: { ...collector.telemetry, sealEveryMs: 15 * MINUTE } })

const sent = (count: number): Promise<void> => expect.poll(() => collector.wire.requests.length).toBe(count)

describe('batches go out by themselves', () => {
  test('every 15 minutes, when there is something to tell', async () => {
    const { keeper } = startReporting()
    await keeper.observe([observation('page', 1, 3)])
    clock.advance(15 * MINUTE - 1)
    expect(collector.wire.requests).toEqual([])
    clock.advance(1)
    await sent(1)
    await expect.poll(async () => (await keeper.telemetry()).sent).toBe(1)
    clock.advance(15 * MINUTE)
    await keeper.observe([observation('page', 2, 4)])
    clock.advance(15 * MINUTE)
    await sent(2)
    await expect.poll(() => collector.served('1.0.0')).toBe(7)
  })

  test('and again, later and later, while the collector does not answer', async () => {
    collector.wire.become({ status: 503 })
    const { keeper } = startReporting()
    await keeper.observe([observation('page', 1, 3)])
    clock.advance(15 * MINUTE)
    for (let tries = 1; tries <= 4; tries++) {
      await sent(tries)
      // As long as no answer came, what is waited for is the limit of 20 s on that.
      await expect.poll(() => clock.waits.some((ms) => ms !== 20 * SECOND)).toBe(true)
      // At most 5 s doubled with each failure, so that all of it passes is sure.
      clock.advance(5 * SECOND * 2 ** tries)
    }
    collector.wire.become('through')
    clock.advance(HOUR)
    await expect.poll(() => collector.served('1.0.0')).toBe(3)
  })
})

describe('an outbox that nobody empties', () => {
  test('keeps a batch for 35 days', async () => {
    collector.wire.become('cut')
    const { keeper } = startReporting()
    await keeper.observe([observation('page', 1, 3)])
    await keeper.flush()
    clock.advance(35 * DAY)
    await keeper.flush()
    expect((await keeper.telemetry()).pending).toHaveLength(1)
    clock.advance(1)
    await keeper.flush()
    expect(await keeper.telemetry()).toMatchObject({ pending: [], drops: { expired: 1 } })
  })

  test('stays below 512 KiB, oldest out first, and knows how many went', async () => {
    const { keeper } = startReporting()
    // The day's first batch says that there is a device; without it the collector publishes nothing.
    await keeper.observe([observation('page before', 1, 1)])
    await keeper.flush()
    collector.wire.become('cut')
    const wide = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [String(i - 310), 100]))
    for (let i = 1; i <= 55; i++) {
      await keeper.observe([observation('page', i, 100_000, { latency: wide })])
      await keeper.flush()
      clock.advance(SECOND)
    }
    const { pending, drops } = await keeper.telemetry()
    const bytes = pending.reduce((sum, text) => sum + text.length, 0)
    expect(bytes).toBeLessThanOrEqual(512 * 1024)
    expect(bytes).toBeGreaterThan(480 * 1024)
    expect(drops).toEqual({ evicted: 55 - pending.length })

    collector.wire.become('through')
    await keeper.flush()
    expect(await collector.served('1.0.0')).toBe(1 + 100_000 * pending.length)
  })
})

describe('device-days', () => {
  test('are told once each, in whatever order the days come in', async () => {
    const { keeper } = startReporting()
    const today = dayOf(clock.now())
    const yesterday = dayOf(clock.now() - DAY)
    const days: readonly Day[] = [today, yesterday, today, yesterday, today]
    for (const [i, day] of days.entries()) {
      await keeper.observe([observation('page', i + 1, 1, { day })])
      await keeper.flush()
    }
    expect(await collector.version('1.0.0')).toMatchObject({ served: 5, deviceDays: 2 })
    expect(collector.wire.batches().map(({ firstToday }) => firstToday)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ])
  })
})

test('a checkpoint that somebody else wrote over costs what was in it, and no more', async () => {
  await storage.state.write(
    new Map<string, unknown>([
      ['telemetry/window', { cells: 'nonsense' }],
      ['telemetry/ledger', 7],
      ['telemetry/days', null],
      ['telemetry/batch/x', { text: 5 }],
    ]),
  )
  const { keeper } = startReporting()
  await keeper.observe([observation('page', 1, 8)])
  await keeper.flush()
  expect(await collector.served('1.0.0')).toBe(8)
  expect(await keeper.telemetry()).toMatchObject({ open: [], pending: [], sent: 1 })
})
