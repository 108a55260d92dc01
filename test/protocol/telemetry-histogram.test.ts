import { histogram, type Histogram } from '@afield/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const { bucketOf, lowerBound, LOWEST_BUCKET, HIGHEST_BUCKET, QUANTILE_ERROR } = histogram

/** From a few microseconds to about an hour, spread evenly over the magnitudes. */
const milliseconds = fc.double({ min: -8, max: 21.5, noNaN: true }).map((log2) => 2 ** log2)
const values = fc.array(milliseconds, { minLength: 1, maxLength: 200 })

const histograms: fc.Arbitrary<Histogram> = fc.dictionary(
  fc.integer({ min: LOWEST_BUCKET, max: HIGHEST_BUCKET }).map(String),
  fc.integer({ min: 1, max: 1000 }),
)

const of = (durations: readonly number[]): Histogram =>
  durations.reduce((filled, ms) => histogram.record(filled, ms), {})

describe('buckets', () => {
  test('bucket i holds base^i < v ≤ base^(i+1), as in OTLP at scale 5', () => {
    expect(bucketOf(1)).toBe(-1)
    expect(bucketOf(1.0001)).toBe(0)
    expect(bucketOf(16)).toBe(127)
    expect(lowerBound(32)).toBe(2)
    fc.assert(
      fc.property(milliseconds, (ms) => {
        const bucket = bucketOf(ms)
        expect(ms).toBeGreaterThan(lowerBound(bucket))
        expect(ms).toBeLessThanOrEqual(lowerBound(bucket + 1))
      }),
    )
  })

  test('every upper bound belongs to its own bucket', () => {
    for (let bucket = LOWEST_BUCKET; bucket <= HIGHEST_BUCKET; bucket++) {
      expect(bucketOf(lowerBound(bucket + 1))).toBe(bucket)
    }
  })

  test('what has no logarithm, or an absurd one, falls into an end bucket', () => {
    for (const ms of [0, -0, -5, NaN, -Infinity, 1e-300]) expect(bucketOf(ms)).toBe(LOWEST_BUCKET)
    for (const ms of [Infinity, 1e300]) expect(bucketOf(ms)).toBe(HIGHEST_BUCKET)
  })
})

describe('merging', () => {
  test('is associative and commutative, and an empty histogram changes nothing', () => {
    fc.assert(
      fc.property(histograms, histograms, histograms, (a, b, c) => {
        expect(histogram.merge(a, histogram.merge(b, c))).toEqual(histogram.merge(histogram.merge(a, b), c))
        expect(histogram.merge(a, b)).toEqual(histogram.merge(b, a))
        expect(histogram.merge(a, {})).toEqual(a)
        expect(histogram.merge({}, a)).toEqual(a)
      }),
    )
  })

  test('two devices merged equal one device that saw all', () => {
    fc.assert(
      fc.property(values, values, (a, b) => {
        expect(histogram.merge(of(a), of(b))).toEqual(of([...a, ...b]))
        expect(histogram.total(histogram.merge(of(a), of(b)))).toBe(a.length + b.length)
      }),
    )
  })

  test('leaves both arguments as they were', () => {
    const a = of([1, 2])
    const b = of([2, 3])
    histogram.merge(a, b)
    expect([a, b]).toEqual([of([1, 2]), of([2, 3])])
  })
})

describe('reading', () => {
  test('any quantile is within 1.083 % of the exact nearest-rank value', () => {
    expect(QUANTILE_ERROR).toBeLessThan(0.010831)
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (durations, q) => {
        const sorted = [...durations].sort((a, b) => a - b)
        const exact = sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1] ?? NaN
        const estimate = histogram.quantile(of(durations), q) ?? NaN
        expect(Math.abs(estimate - exact) / exact).toBeLessThanOrEqual(QUANTILE_ERROR * (1 + 1e-9))
      }),
      { numRuns: 500 },
    )
  })

  test('so is the mean', () => {
    fc.assert(
      fc.property(values, (durations) => {
        const exact = durations.reduce((sum, ms) => sum + ms, 0) / durations.length
        const estimate = histogram.mean(of(durations)) ?? NaN
        expect(Math.abs(estimate - exact) / exact).toBeLessThanOrEqual(QUANTILE_ERROR * (1 + 1e-9))
      }),
    )
  })

  test('nothing recorded has no quantile and no mean', () => {
    expect(histogram.quantile({}, 0.5)).toBeUndefined()
    expect(histogram.mean({})).toBeUndefined()
    expect(histogram.total({})).toBe(0)
  })
})
