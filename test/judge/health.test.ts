import { assessHealth, DEFAULT_HEALTH, successRate } from '@afield/judge'
import { histogram, type Histogram } from '@afield/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const answersOf = (ms: number, count: number): Histogram => ({ [histogram.bucketOf(ms)]: count })

describe('assessHealth', () => {
  test('fast and nearly always answered is healthy', () => {
    const health = assessHealth({
      served: 990,
      errors: { 'engine/run-failed': 10 },
      latency: answersOf(12, 990),
    })
    expect(health.verdict).toBe('healthy')
    expect(health.reasons[0]).toBe('success 99.0 %, at least 95.0 %')
    expect(health.reasons[1]).toMatch(/^mean 1[12]\.\d ms, at most 100 ms$/)
  })

  test('says which threshold is broken, and both when both are', () => {
    const slow = assessHealth({ served: 1000, errors: {}, latency: answersOf(150, 1000) })
    expect(slow.verdict).toBe('unhealthy')
    expect(slow.reasons).toHaveLength(1)
    expect(slow.reasons[0]).toMatch(/^mean 1\d\d\.\d ms, should be at most 100 ms$/)

    const failing = assessHealth({
      served: 900,
      errors: { 'engine/crashed': 100 },
      latency: answersOf(5, 900),
    })
    expect(failing).toEqual({ verdict: 'unhealthy', reasons: ['success 90.0 %, should be at least 95.0 %'] })

    const both = assessHealth({
      served: 900,
      errors: { 'engine/crashed': 100 },
      latency: answersOf(150, 900),
    })
    expect(both.reasons).toHaveLength(2)
  })

  test('the thresholds themselves are healthy', () => {
    const observed = { served: 95, errors: { 'engine/run-failed': 5 }, latency: answersOf(50, 95) }
    const thresholds = {
      minSuccessRate: 0.95,
      maxMeanMs: histogram.mean(observed.latency) ?? 0,
      minObservations: 95,
    }
    expect(assessHealth(observed, thresholds).verdict).toBe('healthy')
  })

  test('too little data has no verdict, good or bad, and says how much is missing', () => {
    expect(assessHealth({ served: 0, errors: {}, latency: {} })).toEqual({
      verdict: 'insufficient',
      reasons: ['0 attempts, needs 100'],
      needs: 100,
    })
    expect(assessHealth({ served: 0, errors: { 'engine/crashed': 99 }, latency: {} })).toMatchObject({
      verdict: 'insufficient',
      needs: 1,
    })
  })

  test('enough answers but too few latencies: only the failures can be judged', () => {
    expect(assessHealth({ served: 500, errors: {}, latency: answersOf(5, 40) })).toMatchObject({
      verdict: 'insufficient',
      reasons: ['40 latencies, needs 100'],
      needs: 60,
    })
    const failing = { served: 500, errors: { 'engine/crashed': 500 }, latency: answersOf(5, 40) }
    expect(assessHealth(failing).verdict).toBe('unhealthy')
  })

  test("what is the caller's doing, or an update's, is no failure of the version", () => {
    const errors = {
      'input/invalid': 900,
      aborted: 50,
      'chunk/hash-mismatch': 3,
      'model/self-test-failed': 2,
    }
    expect(successRate({ served: 200, errors })).toBe(1)
    expect(assessHealth({ served: 200, errors, latency: answersOf(5, 200) }).verdict).toBe('healthy')
  })

  test('never a verdict below the minimum, whatever was observed', () => {
    const counts = fc.nat(DEFAULT_HEALTH.minObservations - 1)
    fc.assert(
      fc.property(counts, counts, (served, crashed) => {
        fc.pre(served + crashed < DEFAULT_HEALTH.minObservations)
        const observed = { served, errors: { 'engine/crashed': crashed }, latency: answersOf(5000, served) }
        expect(assessHealth(observed).verdict).toBe('insufficient')
      }),
    )
  })
})

test('successRate is undefined where nothing was attempted', () => {
  expect(successRate({ served: 0, errors: {} })).toBeUndefined()
  expect(successRate({ served: 3, errors: { 'internal/unexpected': 1 } })).toBe(0.75)
})
