import type { AfieldError, Contract, RecordValue } from '@afield/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codecOf, contractOf, encode, inputError, rejection } from './support/contract.js'

const LEARNER = contractOf([
  { name: 'hours', type: 'number', min: 0, max: 60 },
  { name: 'age', type: 'integer', min: 6 },
  { name: 'enrolled', type: 'boolean' },
  { name: 'mood', type: 'enum', values: ['low', 'fair', 'high'] },
])
const RECORD = { hours: 12.5, age: 17, enrolled: true, mood: 'high' }

/** The columns of tensor `x` for one record. */
async function encoded(contract: Contract, record: RecordValue): Promise<readonly unknown[]> {
  return Array.from((await encode(contract, [record]))['x']?.data ?? [])
}

async function refusal(contract: Contract, record: unknown): Promise<AfieldError> {
  return (await rejection(encode(contract, [record]))) as AfieldError
}

describe('a record becomes numbers', () => {
  test('in the order of the contract, whatever its own', async () => {
    const { mood, ...rest } = RECORD
    expect(await encoded(LEARNER, { mood, ...rest })).toEqual([12.5, 17, 1, 2])
  })

  test('one row a record', async () => {
    const { x } = await encode(LEARNER, [RECORD, { ...RECORD, hours: 0, enrolled: false, mood: 'low' }])
    expect(x).toEqual({ dtype: 'float32', dims: [2, 4], data: Float32Array.of(12.5, 17, 1, 2, 0, 17, 0, 0) })
  })

  test.each([
    ['float32', Float32Array.of(7)],
    ['float64', Float64Array.of(7)],
    ['int32', Int32Array.of(7)],
    ['int64', BigInt64Array.of(7n)],
  ])('as %s', async (dtype, data) => {
    const contract = contractOf([{ name: 'n', type: 'integer' }], { tensor: 'x', dtype })
    expect(await encode(contract, [{ n: 7 }])).toEqual({ x: { dtype, dims: [1, 1], data } })
  })

  test('as int64 up to the last whole number that a double holds', async () => {
    const contract = contractOf([{ name: 'n', type: 'integer' }], { tensor: 'x', dtype: 'int64' })
    expect(await encoded(contract, { n: Number.MAX_SAFE_INTEGER })).toEqual([9007199254740991n])
    expect(await encoded(contract, { n: -1 })).toEqual([-1n])
  })

  test('in one tensor a column, where fields name their own', async () => {
    const contract = contractOf(
      [
        { name: 'hours', type: 'number', tensor: 'in_hours' },
        { name: 'age', type: 'number', tensor: 'in_age' },
      ],
      { dtype: 'float64' },
    )
    const records = [
      { hours: 1, age: 10 },
      { hours: 2, age: 20 },
    ]
    expect(await encode(contract, records)).toEqual({
      in_hours: { dtype: 'float64', dims: [2, 1], data: Float64Array.of(1, 2) },
      in_age: { dtype: 'float64', dims: [2, 1], data: Float64Array.of(10, 20) },
    })
  })
})

describe('a missing field', () => {
  const withRule = (missing: unknown) => contractOf([{ name: 'hours', type: 'number', min: 1, missing }])

  test.each([{}, { hours: undefined }, { hours: null }])('is refused by default: %j', async (record) => {
    expect(await refusal(withRule('reject'), record)).toEqual(inputError('hours', 'missing'))
  })

  test('is the default where there is one', async () => {
    expect(await encoded(withRule({ default: 4 }), {})).toEqual([4])
  })

  test('is NaN where the graph takes that', async () => {
    expect(await encoded(withRule('nan'), {})).toEqual([Number.NaN])
  })

  test('is missing also where every object has something of that name', async () => {
    const contract = contractOf([{ name: 'toString', type: 'number', missing: { default: 1 } }])
    expect(await encoded(contract, {})).toEqual([1])
  })
})

describe('refused', () => {
  test.each<[string, RecordValue, string, string]>([
    ['below the range', { hours: -0.1 }, 'hours', 'out-of-range'],
    ['above the range', { hours: 60.1 }, 'hours', 'out-of-range'],
    ['below an open range', { age: 5 }, 'age', 'out-of-range'],
    ['a text for a number', { hours: '12' }, 'hours', 'mistyped'],
    ['NaN', { hours: Number.NaN }, 'hours', 'mistyped'],
    ['infinity', { hours: Number.POSITIVE_INFINITY }, 'hours', 'mistyped'],
    ['a bigint', { age: 17n }, 'age', 'mistyped'],
    ['a fraction for an integer', { age: 17.5 }, 'age', 'mistyped'],
    ['a whole number that a double cannot tell from the next', { age: 2 ** 53 }, 'age', 'mistyped'],
    ['a number for a boolean', { enrolled: 1 }, 'enrolled', 'mistyped'],
    ['a value that is not in the list', { mood: 'HIGH' }, 'mood', 'out-of-range'],
    ['a position in place of the value', { mood: 2 }, 'mood', 'mistyped'],
    ['an object', { hours: { valueOf: () => 1 } }, 'hours', 'mistyped'],
  ])('%s', async (_, changes, field, problem) => {
    expect(await refusal(LEARNER, { ...RECORD, ...changes })).toEqual(inputError(field, problem))
  })

  test('the bounds themselves are not', async () => {
    expect(await encoded(LEARNER, { ...RECORD, hours: 0, age: 6 })).toEqual([0, 6, 1, 2])
    expect(await encoded(LEARNER, { ...RECORD, hours: 60 })).toEqual([60, 17, 1, 2])
  })

  test.each<[string, string, number]>([
    ['int32', 'integer', 2 ** 31],
    ['int32', 'integer', -(2 ** 31) - 1],
    ['float32', 'number', 1e39],
  ])('what %s would hold as another number', async (dtype, type, n) => {
    const contract = contractOf([{ name: 'n', type }], { tensor: 'x', dtype })
    expect(await refusal(contract, { n })).toEqual(inputError('n', 'out-of-range'))
  })

  test('a field that the contract does not know, with the names that it does', async () => {
    const error = await refusal(LEARNER, { ...RECORD, hour: 3 })
    expect(error).toMatchObject({ code: 'input/invalid', details: { problem: 'unknown' } })
    expect(error.message).toBe(
      '"hour" is not a field of this model. Its fields are: hours, age, enrolled, mood.',
    )
  })

  test.each([null, undefined, 7, 'record', [RECORD]])('%j, which is no record', async (record) => {
    const error = await refusal(LEARNER, record)
    expect(error).toMatchObject({ code: 'input/invalid', message: expect.stringContaining('takes a record') })
  })

  test('says the rule, so that a form can show it', async () => {
    expect((await refusal(LEARNER, { ...RECORD, hours: 61 })).message).toBe(
      '"hours" must be between 0 and 60.',
    )
    expect((await refusal(LEARNER, { ...RECORD, age: 5 })).message).toBe('"age" must be at least 6.')
    expect((await refusal(LEARNER, { ...RECORD, mood: 'x' })).message).toBe(
      '"mood" takes one of: low, fair, high.',
    )
  })
})

describe('privacy', () => {
  /** Unlikely to be a part of the message by chance. */
  const secrets = fc.oneof(
    fc.stringMatching(/^[!-~]{12,40}$/),
    fc.integer({ min: 10_000_000 }),
    fc.double({ min: 1e9, noNaN: true }),
  )

  test('no value ever shows in an error', async () => {
    const codec = await codecOf(LEARNER)
    fc.assert(
      fc.property(fc.constantFrom('hours', 'age', 'enrolled', 'mood'), secrets, (field, secret) => {
        let error: unknown
        try {
          void codec.prepare({ ...RECORD, [field]: secret })
        } catch (thrown) {
          error = thrown
        }
        fc.pre(error !== undefined)
        const { message, details } = error as AfieldError
        expect(message + JSON.stringify(details)).not.toContain(String(secret))
      }),
    )
  })

  test('no text that cannot be a field name does either', async () => {
    await fc.assert(
      fc.asyncProperty(fc.stringMatching(/^[!-~]{12,40}$/), async (text) => {
        fc.pre(!/^\w+$/.test(text))
        expect((await refusal(LEARNER, { ...RECORD, [text]: 1 })).message).not.toContain(text)
      }),
    )
  })
})

test('a record that fits its contract is always taken, and in range', async () => {
  const records = fc.record({
    hours: fc.double({ min: 0, max: 60, noNaN: true }),
    age: fc.integer({ min: 6, max: 2 ** 24 }),
    enrolled: fc.boolean(),
    mood: fc.constantFrom('low', 'fair', 'high'),
  })
  await fc.assert(
    fc.asyncProperty(records, async ({ hours, age, enrolled, mood }) => {
      expect(await encoded(LEARNER, { hours, age, enrolled, mood })).toEqual([
        Math.fround(hours),
        age,
        Number(enrolled),
        ['low', 'fair', 'high'].indexOf(mood),
      ])
    }),
  )
})
