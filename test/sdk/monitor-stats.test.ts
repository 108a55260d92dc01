import { histogram } from '@afield/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { statsOf } from '../../packages/sdk/dist/router/monitor/stats.js'
import { Counted, NOTHING_AROUND, served } from './support/monitoring.js'

const milliseconds = fc.double({ min: -8, max: 21.5, noNaN: true }).map((log2) => 2 ** log2)

function statsIn(counted: Counted) {
  return statsOf(counted.model, counted.now, NOTHING_AROUND)
}

/** By nearest rank. */
function exact(values: readonly number[], q: number): number {
  return [...values].sort((a, b) => a - b)[Math.max(0, Math.ceil(q * values.length) - 1)] ?? Number.NaN
}

describe('latencies', () => {
  test('percentiles are within 1.1 % of the exact ones; mean and greatest are exact', () => {
    fc.assert(
      fc.property(fc.array(milliseconds, { minLength: 1, maxLength: 300 }), (values) => {
        const counted = new Counted()
        const by = served()
        for (const ms of values) counted.monitor.answered(by, ms)
        const { latencyMs } = statsIn(counted).total
        const quantiles = [
          [latencyMs.p50, 0.5],
          [latencyMs.p95, 0.95],
          [latencyMs.p99, 0.99],
        ] as const
        for (const [told, q] of quantiles) {
          const value = exact(values, q)
          expect(Math.abs(told - value) / value).toBeLessThanOrEqual(histogram.QUANTILE_ERROR + 1e-9)
        }
        expect(latencyMs.max).toBe(Math.max(...values))
        expect(Math.max(...quantiles.map(([told]) => told))).toBeLessThanOrEqual(latencyMs.max)
        expect(latencyMs.mean).toBeCloseTo(values.reduce((sum, ms) => sum + ms, 0) / values.length, 6)
      }),
    )
  })

  test('of nothing are zero, and nothing failed', () => {
    expect(statsIn(new Counted()).total).toEqual({
      count: 0,
      errors: 0,
      timeouts: 0,
      success: 1,
      perSecond: 0,
      latencyMs: { mean: 0, p50: 0, p95: 0, p99: 0, max: 0 },
      computeSeconds: 0,
    })
  })
})

describe('counts', () => {
  test('are told by version and backend, the latest first, and add up', () => {
    const counted = new Counted()
    const { monitor } = counted
    const [old, next, gpu] = [served('1.0.0'), served('2.0.0'), served('2.0.0', 'webgpu')]
    for (let i = 0; i < 3; i++) monitor.answered(old, 10)
    monitor.answered(next, 20)
    monitor.answered(gpu, 1)
    // The last answer of the one before comes late, and changes nothing about which is the latest.
    monitor.answered(next, 20)
    monitor.failed(gpu, 'engine/timeout')
    monitor.failed(gpu, 'input/invalid', 2)
    monitor.ran(gpu, 250, 8)
    monitor.ran(old, 1250, 1)
    const { total, versions, errors } = statsIn(counted)
    expect(versions.map(({ version, backend, count }) => [version, backend, count])).toEqual([
      ['2.0.0', 'webgpu', 4],
      ['2.0.0', 'wasm', 2],
      ['1.0.0', 'wasm', 3],
    ])
    expect(total).toMatchObject({ count: 9, errors: 3, timeouts: 1, success: 6 / 9, computeSeconds: 1.5 })
    expect(errors).toEqual({ 'engine/timeout': 1, 'input/invalid': 2 })
    expect(versions[0]).toMatchObject({ errors: 3, timeouts: 1, success: 0.25, computeSeconds: 0.25 })
  })

  test('go on where a version serves again', () => {
    const counted = new Counted()
    counted.monitor.answered(served('1.0.0'), 1)
    counted.monitor.answered(served('2.0.0'), 1)
    counted.monitor.answered(served('1.0.0'), 1)
    expect(statsIn(counted).versions.map(({ version, count }) => [version, count])).toEqual([
      ['1.0.0', 2],
      ['2.0.0', 1],
    ])
  })

  test('of one model leave the others alone', () => {
    const counted = new Counted()
    counted.monitor.answered(served(), 1)
    counted.monitor.answered(served('1.0.0', 'wasm', 'other'), 1)
    expect(statsIn(counted).total.count).toBe(1)
  })

  test('a prediction that the model was not asked for is counted, and not as its error', () => {
    const counted = new Counted()
    const { monitor } = counted
    monitor.answered(served(), 1)
    monitor.failed(served(), 'engine/crashed')
    monitor.fellBack('m', 'constant', 1, 1, true)
    monitor.fellBack('m', 'remote', 80, 1, false)
    const { total, fallback } = statsIn(counted)
    expect(total).toMatchObject({ count: 3, errors: 1, success: 1 / 3 })
    expect(fallback).toEqual({ remote: 1, constant: 1, function: 0 })
  })
})

test('health is told by the mean of all answers, and by who answered in the last hour', () => {
  const { monitor } = new Counted()
  expect(monitor.health('m')).toEqual({ meanMs: undefined, answered: 0, unanswered: 0 })
  const by = served()
  for (const ms of [10, 20, 60]) monitor.answered(by, ms)
  monitor.failed(by, 'engine/crashed', 2)
  monitor.fellBack('m', 'remote', 5, 1, true)
  monitor.fellBack('m', 'constant', 0, 1, true)
  monitor.failed(by, 'input/invalid', 7)
  expect(monitor.health('m')).toEqual({ meanMs: 30, answered: 4, unanswered: 1 })
})

describe('throughput', () => {
  test('is of the last minute, whatever happened before', () => {
    const counted = new Counted()
    const by = served()
    for (let second = 0; second < 300; second++) {
      const each = second < 200 ? 1000 : 5
      for (let i = 0; i < each; i++) counted.monitor.answered(by, 1)
      counted.now += 1000
    }
    expect(statsIn(counted).total.perSecond).toBeCloseTo(5, 0)
    counted.now += 61_000
    expect(statsIn(counted).total.perSecond).toBe(0)
  })

  test('is of the time since the first answer where that is less', () => {
    const counted = new Counted()
    for (let i = 0; i < 40; i++) {
      counted.monitor.answered(served(), 1)
      counted.now += 100
    }
    expect(statsIn(counted).total.perSecond).toBeCloseTo(10, 1)
  })
})
