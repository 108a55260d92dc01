import type { Profile } from '@afield/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { categoryCounter, numericCounter } from '../../packages/cli/src/publish/reference/profile.js'

const MIN_ROWS = 5

type Values = readonly (number | string | undefined)[]

function profileNumbers(values: Values): Extract<Profile, { kind: 'numeric' }> {
  const counter = numericCounter(values)
  for (const value of values) counter.add(value)
  const profile = counter.profile()
  if (profile.kind !== 'numeric') throw new Error('The profile is not of numbers.')
  return profile
}

function profileCategories(
  known: readonly string[],
  values: Values,
): Extract<Profile, { kind: 'categories' }> {
  const counter = categoryCounter(known)
  for (const value of values) counter.add(value)
  const profile = counter.profile()
  if (profile.kind !== 'categories') throw new Error('The profile is not of categories.')
  return profile
}

/** Several of one value, so that tables have ties as well as loners. */
function table<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T[]> {
  const run = fc
    .tuple(value, fc.integer({ min: 1, max: 12 }))
    .map(([one, times]) => Array.from({ length: times }, () => one))
  return fc.array(run, { maxLength: 15 }).map((runs) => runs.flat())
}

const number = fc.oneof(
  fc.integer({ min: -10, max: 100 }),
  fc.double({ min: -1e6, max: 1e6, noNaN: true }),
  fc.constant(undefined),
)

const repeat = <T>(value: T, times: number): T[] => Array.from({ length: times }, () => value)

function expectNoFew(counts: readonly number[]): void {
  expect(counts.filter((count) => count > 0 && count < MIN_ROWS)).toEqual([])
}

function expectWhole({ count, missing }: Profile, values: Values): void {
  expect(count + missing).toBe(values.length < MIN_ROWS ? 0 : values.length)
}

function sharing(values: Values, value: number, digits: number): number {
  return values.filter((v) => typeof v === 'number' && Number(v.toPrecision(digits)) === value).length
}

test('a profile of numbers says nothing of fewer than five rows', () => {
  fc.assert(
    fc.property(table(number), (values) => {
      const profile = profileNumbers(values)
      const { count, missing, min, max, edges, counts } = profile
      expectNoFew([count, missing, ...counts])
      expectWhole(profile, values)
      expect(counts.reduce((sum, bin) => sum + bin, 0)).toBe(count)
      for (const extreme of [min, max].filter((value) => value !== undefined)) {
        expect(sharing(values, extreme, 3)).toBeGreaterThanOrEqual(MIN_ROWS)
      }
      for (const edge of edges) {
        const held = Math.max(...[1, 2, 3].map((digits) => sharing(values, edge, digits)))
        expect(held).toBeGreaterThanOrEqual(MIN_ROWS)
      }
    }),
    { numRuns: 2000 },
  )
})

test('a profile of categories says nothing of fewer than five rows', () => {
  const value = fc.constantFrom('a', 'b', 'c', 'd', 'unknown', 'stranger', undefined)
  fc.assert(
    fc.property(fc.subarray(['a', 'b', 'c', 'd']), table(value), (known, values) => {
      const profile = profileCategories(known, values)
      const { count, missing, categories, other } = profile
      expectNoFew([count, missing, other, ...categories.map((category) => category.count)])
      expectWhole(profile, values)
      expect(categories.reduce((sum, category) => sum + category.count, other)).toBe(count)
    }),
    { numRuns: 2000 },
  )
})

test('a loner between two heaps shows neither as a bin, nor as an edge, nor as an extreme', () => {
  const values = [...repeat(1, 10), 4, ...repeat(5, 88), 97]
  const profile = profileNumbers(values)
  expect(profile).toMatchObject({ count: 100, missing: 0, min: 1, edges: [5], counts: [11, 89] })
  expect(profile).not.toHaveProperty('max')
})

test('the rare one of two categories cannot be told from the rest', () => {
  const values = [...repeat('false', 99), 'true']
  expect(profileCategories(['true', 'false'], values)).toEqual({
    kind: 'categories',
    count: 100,
    missing: 0,
    categories: [],
    other: 100,
  })
})

test.each([1, 4])('%i missing of many are not told', (missing) => {
  const values = [...repeat(7, 50), ...repeat(undefined, missing)]
  expect(profileNumbers(values)).toMatchObject({ count: 50 + missing, missing: 0, counts: [50 + missing] })
})
