import { deviceBucket, toHex } from '@afield/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seededBytes } from './support/seeded-bytes.js'

const BUCKETS = 10_000

describe('deviceBucket', () => {
  // The `hash` cases for version 2 in GrowthBook's cases.json, which all its SDKs are tested with: 0 to 1, 4 decimals.
  test.each([
    ['seed', 'a', 0.0505],
    ['seed', 'b', 0.2696],
    ['foo', 'ab', 0.2575],
    ['foo', 'def', 0.2019],
    ['89123klj', '8952klfjas09ujkasdf', 0.124],
    ['90850943850283058242805', '123', 0.7516],
    ['()**(%$##$%#$#', '___)((*":&', 0.0128],
  ])("of %s and %s is GrowthBook's %d", (seed, id, expected) => {
    expect(deviceBucket(seed, id) / BUCKETS).toBe(expected)
  })

  test('is a whole number from 0 to 9,999, and always the same', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (seed, id) => {
        const bucket = deviceBucket(seed, id)
        expect(Number.isInteger(bucket) && bucket >= 0 && bucket < BUCKETS).toBe(true)
        expect(deviceBucket(seed, id)).toBe(bucket)
      }),
    )
  })

  // 99 degrees of freedom: chi-square exceeds 148.2 once in a thousand times. The ids are the same in every run.
  test.each(['autumn', '', 'a1b2c3d4e5f60718293a4b5c6d7e8f90'])(
    'spreads devices evenly under "%s"',
    (seed) => {
      const groups = Array.from({ length: 100 }, () => 0)
      for (const id of deviceIds(100_000)) {
        const group = Math.floor(deviceBucket(seed, id) / 100)
        groups[group] = (groups[group] ?? 0) + 1
      }
      const chiSquare = groups.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0)
      expect(chiSquare).toBeLessThan(148.2)
    },
  )

  // Of 100,000 devices 1,000 are in both, give or take 5 standard deviations of 31.5.
  test('draws anew under another seed', () => {
    const both = deviceIds(100_000).filter(
      (id) => deviceBucket('autumn', id) < 1000 && deviceBucket('winter', id) < 1000,
    )
    expect(both.length).toBeGreaterThan(1000 - 158)
    expect(both.length).toBeLessThan(1000 + 158)
  })
})

function deviceIds(count: number): readonly string[] {
  const bytes = seededBytes(16 * count)
  return Array.from({ length: count }, (_, i) => toHex(bytes.subarray(16 * i, 16 * (i + 1))))
}
