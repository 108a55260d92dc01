import { AfieldError, type ErrorCode } from '@afield/protocol'
import { describe, expect, test } from 'vitest'
import { assess, isNoAccident, objectivesOf } from '../../packages/sdk/dist/router/monitor/objectives.js'
import { Watch } from '../../packages/sdk/dist/router/monitor/watch.js'
import { Counted, served } from './support/monitoring.js'

const HOUR_MS = 3_600_000
const BY = served()

/** What has to hold where a descriptor says nothing. */
const [LATENCY, AVAILABILITY] = objectivesOf(undefined, unreadable) as [Objective, Objective]
type Objective = ReturnType<typeof objectivesOf>[number]

function unreadable(cause: unknown): never {
  throw cause
}

function answer(counted: Counted, times: number, ms = 1): void {
  for (let i = 0; i < times; i++) counted.monitor.answered(BY, ms)
}

describe('the objectives', () => {
  test('come from the class of a descriptor, else 95 % within 200 ms and 99.9 % answered', () => {
    const of = (slo: unknown) =>
      objectivesOf(slo, unreadable).map(({ thresholdMs, target }) => [thresholdMs, target])
    const slo = { maxFailureRate: 0.01, availability: 0.99 }
    expect(of(undefined)).toEqual([
      [200, 0.95],
      [undefined, 0.999],
    ])
    const availability = [undefined, 0.99]
    expect(of({ ...slo, class: 'realtime' })).toEqual([[100, 0.95], availability])
    expect(of({ ...slo, class: 'interactive' })).toEqual([[500, 0.95], availability])
    expect(of({ ...slo, class: 'near-realtime' })).toEqual([[5000, 0.95], availability])
    expect(of({ ...slo, class: 'batch' })).toEqual([availability])
  })

  test('that cannot be read are said to be so, and the defaults hold', () => {
    const said: unknown[] = []
    const objectives = objectivesOf({ class: 'soon' }, (cause) => said.push(cause))
    expect(objectives).toEqual([LATENCY, AVAILABILITY])
    expect(said).toMatchObject([{ code: 'descriptor/invalid' }])
    expect(said[0]).toBeInstanceOf(AfieldError)
  })
})

describe('an objective', () => {
  test('is not judged by so few that one failure would miss it', () => {
    const counted = new Counted()
    answer(counted, 18)
    answer(counted, 1, 900)
    expect(assess(LATENCY, counted.model, counted.now)).toMatchObject({
      state: 'insufficient',
      share: undefined,
    })
    answer(counted, 1)
    expect(assess(LATENCY, counted.model, counted.now)).toEqual({
      ...LATENCY,
      share: 0.95,
      budgetLeft: 0,
      state: 'met',
    })
    answer(counted, 1, 900)
    expect(assess(LATENCY, counted.model, counted.now)).toMatchObject({
      state: 'missed',
      budgetLeft: -0.9047619047619047,
    })
  })

  test('has a budget that failures use up', () => {
    const counted = new Counted()
    answer(counted, 1999)
    counted.monitor.failed(BY, 'engine/run-failed')
    const report = assess(AVAILABILITY, counted.model, counted.now)
    expect(report).toEqual({ ...AVAILABILITY, share: 1999 / 2000, budgetLeft: 0.5, state: 'met' })
    counted.monitor.failed(BY, 'engine/crashed', 3)
    expect(assess(AVAILABILITY, counted.model, counted.now)).toMatchObject({ state: 'missed' })
  })

  test('where every prediction must be good, is missed by one that is not', () => {
    const counted = new Counted()
    const all = { objective: 'availability', target: 1 } as const
    expect(assess(all, counted.model, counted.now).state).toBe('insufficient')
    answer(counted, 1)
    expect(assess(all, counted.model, counted.now)).toMatchObject({ state: 'met', budgetLeft: 1 })
    counted.monitor.failed(BY, 'engine/hung')
    expect(assess(all, counted.model, counted.now)).toMatchObject({ state: 'missed', budgetLeft: 0 })
  })

  test('is of the last hour', () => {
    const counted = new Counted()
    answer(counted, 100, 900)
    counted.now += HOUR_MS / 2
    answer(counted, 100)
    expect(assess(LATENCY, counted.model, counted.now)).toMatchObject({ share: 0.5, state: 'missed' })
    counted.now += HOUR_MS / 2
    expect(assess(LATENCY, counted.model, counted.now)).toMatchObject({ share: 1, state: 'met' })
    counted.now += HOUR_MS / 2
    expect(assess(LATENCY, counted.model, counted.now).state).toBe('insufficient')
    // A page that slept for days.
    counted.now += 100 * HOUR_MS
    answer(counted, 100)
    expect(assess(LATENCY, counted.model, counted.now)).toMatchObject({ share: 1, state: 'met' })
  })

  test('each threshold counts what took no longer', () => {
    const counted = new Counted()
    for (const ms of [100, 100.1, 200, 201, 500, 501, 5000, 5001]) answer(counted, 100, ms)
    const within = (thresholdMs: number) =>
      assess({ objective: 'latency', thresholdMs, target: 0.5 }, counted.model, counted.now).share
    expect([100, 200, 500, 5000].map(within)).toEqual([1 / 8, 3 / 8, 5 / 8, 7 / 8])
  })

  test('of availability is about who answers: callers, servers and constants', () => {
    const share = (happens: (counted: Counted) => void): number | undefined => {
      const counted = new Counted()
      answer(counted, 999)
      happens(counted)
      return assess({ ...AVAILABILITY, target: 0.9 }, counted.model, counted.now).share
    }
    for (const code of ['aborted', 'closed', 'input/invalid'] satisfies ErrorCode[]) {
      expect(share(({ monitor }) => monitor.failed(BY, code))).toBe(1)
    }
    expect(share(({ monitor }) => monitor.failed(BY, 'engine/overloaded'))).toBe(0.999)
    expect(share(({ monitor }) => monitor.fellBack('m', 'constant', 1, 1, false))).toBe(0.999)
    expect(share(({ monitor }) => monitor.fellBack('m', 'remote', 1, 1, false))).toBe(1)
    const failed = (kind: 'remote' | 'function') =>
      share(({ monitor }) => {
        monitor.failed(BY, 'engine/crashed')
        monitor.fellBack('m', kind, 1, 1, true)
      })
    expect(failed('remote'), 'a server is a model too').toBe(1)
    expect(failed('function')).toBe(0.999)
  })

  test('of latency counts what ran out of time as too slow', () => {
    const counted = new Counted()
    answer(counted, 80)
    counted.monitor.failed(BY, 'engine/timeout', 20)
    expect(assess(LATENCY, counted.model, counted.now)).toMatchObject({ share: 0.8, state: 'missed' })
  })
})

describe('availability of few predictions', () => {
  const AT = { 0.9: 10n, 0.99: 100n, 0.999: 1000n, 0.9999: 10_000n } as const
  const TARGETS = [0.9, 0.99, 0.999, 0.9999] as const

  /** P(X ≥ failed) < 0.001 of a binomial with p = 1 / one, in whole numbers. */
  function isRare(failed: number, count: number, one: bigint): boolean {
    const n = BigInt(count)
    let ways = 1n
    let sum = 0n
    for (let i = 0n; i <= n; i++) {
      if (i >= BigInt(failed)) sum += ways * (one - 1n) ** (n - i)
      ways = (ways * (n - i)) / (i + 1n)
    }
    return sum * 1000n < one ** n
  }

  test('is missed by failures that come by chance less than once in a thousand, and by no fewer', () => {
    for (const target of TARGETS) {
      for (const count of [2, 3, 5, 9, 19, 20, 21, 44, 45, 46, 99, 191, 192, 429, 430]) {
        for (let failed = 2; failed <= Math.min(count, 8); failed++) {
          const rare = isRare(failed, count, AT[target])
          expect(isNoAccident(failed, count, target), `${failed} of ${count} at ${target}`).toBe(rare)
        }
      }
    }
    expect([741, 742, 999].map((count) => isNoAccident(5, count, 0.999))).toEqual([true, false, false])
    expect(isNoAccident(6, 999, 0.999)).toBe(isRare(6, 999, 1000n))
  })

  test('is never missed by one failure, however rare it should be', () => {
    // Once in a thousand is not less often than that, and once in ten thousand is.
    expect([isRare(1, 1, 1000n), isRare(1, 1, 10_000n)]).toEqual([false, true])
    for (const target of [...TARGETS, 0.999999]) {
      for (const count of [1, 2, 20, 900]) expect(isNoAccident(1, count, target)).toBe(false)
    }
  })

  test('that is met is called missed no more often than stated', () => {
    let seed = 20_261_122
    const fails = (share: number): boolean => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
      return seed / 2 ** 32 < share
    }
    const PAGES = 4000
    let atTheEnd = 0
    let ever = 0
    for (let page = 0; page < PAGES; page++) {
      let failed = 0
      let wasMissed = false
      for (let count = 1; count <= 999; count++) {
        if (!fails(0.001)) continue
        failed += 1
        wasMissed ||= isNoAccident(failed, count, 0.999)
      }
      if (wasMissed) ever += 1
      if (isNoAccident(failed, 999, 0.999)) atTheEnd += 1
    }
    // Four standard errors above 0.001 and 0.005.
    expect(atTheEnd).toBeLessThan(4 + 4 * Math.sqrt(4))
    expect(ever).toBeLessThan(20 + 4 * Math.sqrt(20))
    expect(ever, 'the pages did fail').toBeGreaterThan(0)
  })

  test('says what share was answered, and leaves latency as it was', () => {
    const counted = new Counted()
    answer(counted, 11, 900)
    counted.monitor.failed(BY, 'engine/run-failed')
    expect(assess(AVAILABILITY, counted.model, counted.now)).toMatchObject({ state: 'insufficient' })
    counted.monitor.failed(BY, 'engine/run-failed', 9)
    expect(assess(AVAILABILITY, counted.model, counted.now)).toEqual({
      ...AVAILABILITY,
      share: 11 / 21,
      budgetLeft: -9,
      state: 'missed',
    })
    expect(assess(LATENCY, counted.model, counted.now)).toMatchObject({
      state: 'insufficient',
      share: undefined,
    })
  })
})

describe('a watch', () => {
  /** One that nobody hears looks when something is counted, and at no other time. */
  function watched(): { counted: Counted; told: string[]; second: (good: number, bad: number) => void } {
    const counted = new Counted()
    const told: string[] = []
    const watch = new Watch({
      model: counted.model,
      now: () => counted.now,
      objectives: () => [LATENCY],
      isHeard: () => false,
      tell: ({ state }) => told.push(state),
    })
    const second = (good: number, bad: number): void => {
      counted.now += 1000
      answer(counted, good)
      answer(counted, bad, 900)
      watch.counted()
    }
    return { counted, told, second }
  }

  test('tells once that an objective is missed, and once that it is met again', () => {
    const { told, second } = watched()
    second(100, 0)
    expect(told).toEqual([])
    second(0, 10)
    second(0, 10)
    expect(told).toEqual(['missed'])
    for (let i = 0; i < 10; i++) second(100, 0)
    expect(told).toEqual(['missed', 'met'])
  })

  test('does not go to and fro at the threshold', () => {
    const { told, second } = watched()
    second(940, 60)
    for (let i = 0; i < 500; i++) second(19 + (i % 3), 1)
    expect(told).toEqual(['missed'])
  })

  test('tells of few predictions too, and anew after an hour without a failure', () => {
    const counted = new Counted()
    const told: string[] = []
    const watch = new Watch({
      model: counted.model,
      now: () => counted.now,
      objectives: () => [AVAILABILITY],
      isHeard: () => false,
      tell: ({ state }) => told.push(state),
    })
    const minute = (good: number, bad: number): void => {
      counted.now += HOUR_MS / 60
      answer(counted, good)
      counted.monitor.failed(BY, 'engine/run-failed', bad)
      watch.counted()
    }
    minute(11, 0)
    minute(0, 1)
    expect(told).toEqual([])
    minute(0, 1)
    for (let i = 0; i < 30; i++) minute(1, 1)
    expect(told).toEqual(['missed'])
    for (let i = 0; i < 61; i++) minute(1, 0)
    expect(told).toEqual(['missed'])
    minute(0, 3)
    expect(told).toEqual(['missed', 'missed'])
  })

  test('tells anew of an objective that a version between was not held to', () => {
    const counted = new Counted()
    const told: string[] = []
    let held = [LATENCY, AVAILABILITY]
    const watch = new Watch({
      model: counted.model,
      now: () => counted.now,
      objectives: () => held,
      isHeard: () => false,
      tell: ({ objective, state }) => told.push(`${objective} ${state}`),
    })
    const second = (objectives: Objective[]): void => {
      held = objectives
      counted.now += 1000
      answer(counted, 100, 900)
      watch.counted()
    }
    second([LATENCY, AVAILABILITY])
    second([AVAILABILITY])
    expect(told).toEqual(['latency missed'])
    second([LATENCY, AVAILABILITY])
    expect(told).toEqual(['latency missed', 'latency missed'])
  })

  test('looks no more than once a second', () => {
    const { counted, told, second } = watched()
    second(100, 0)
    counted.now -= 500
    second(0, 100)
    expect(told).toEqual([])
    second(0, 1)
    expect(told).toEqual(['missed'])
  })
})

test('a watch that is closed looks no more, whatever is counted then', async () => {
  const counted = new Counted()
  let looks = 0
  const watch = new Watch({
    model: counted.model,
    now: () => counted.now,
    objectives: () => {
      looks += 1
      return [LATENCY]
    },
    isHeard: () => true,
    tell: () => undefined,
  })
  answer(counted, 100, 900)
  watch.counted()
  watch.close()
  counted.now += 999
  watch.counted()
  expect(looks).toBe(1)
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(looks).toBe(1)
})

describe('a version', () => {
  test('that fails in more than 5 % of 100 predictions is doubted, once an hour', () => {
    const counted = new Counted()
    answer(counted, 94)
    counted.monitor.failed(BY, 'engine/run-failed', 5)
    expect(counted.doubts).toEqual([])
    counted.monitor.failed(BY, 'engine/run-failed')
    expect(counted.doubts).toEqual(['1.0.0 engine/run-failed'])
    counted.monitor.failed(BY, 'engine/run-failed', 50)
    expect(counted.doubts).toHaveLength(1)
    counted.now += HOUR_MS
    counted.monitor.failed(BY, 'engine/run-failed')
    expect(counted.doubts).toHaveLength(2)
  })

  test('is not doubted for what callers or a full queue did, nor for failures that are rare or long ago', () => {
    const counted = new Counted()
    counted.monitor.failed(BY, 'engine/run-failed', 99)
    answer(counted, 200)
    for (const code of ['aborted', 'input/invalid', 'engine/overloaded', 'engine/timeout'] as const) {
      counted.monitor.failed(BY, code, 500)
    }
    for (let i = 0; i < 100; i++) {
      answer(counted, 25)
      counted.monitor.failed(BY, 'engine/run-failed')
    }
    expect(counted.doubts).toEqual([])
  })

  test('is doubted where its runs of one prediction take longer than they may', () => {
    const counted = new Counted()
    const run = (ms: number, together: number, times: number): void => {
      for (let i = 0; i < times; i++) counted.monitor.ran(BY, ms, together)
    }
    run(900, 1, 200)
    expect(counted.doubts, 'nobody says what it may take').toEqual([])
    counted.budgetMs = 100
    run(900, 64, 500)
    run(90, 1, 300)
    run(900, 1, 10)
    expect(counted.doubts).toEqual([])
    run(900, 1, 1)
    expect(counted.doubts).toEqual(['1.0.0 slow'])
  })
})
