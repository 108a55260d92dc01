import { describe, expect, test } from 'vitest'
import { SCORE, contractOf, parseContract } from './support/contract.js'

const HOURS = { name: 'hours', type: 'number' } as const
const refused = (why: string) =>
  expect.objectContaining({ code: 'descriptor/invalid', message: expect.stringContaining(why) })

test('a contract is completed with its defaults', () => {
  expect(contractOf([HOURS])).toMatchObject({
    input: { dtype: 'float32', fields: [{ missing: 'reject' }] },
    outputs: [{ column: 0 }],
  })
})

describe('refused inputs', () => {
  test.each<[string, readonly Readonly<Record<string, unknown>>[], string]>([
    ['no field', [], 'input.fields'],
    ['two fields of one name', [HOURS, HOURS], 'two fields have the same name'],
    ['a name with a space', [{ ...HOURS, name: 'hours studied' }], 'input.fields.0.name'],
    ['a name that starts with a digit', [{ ...HOURS, name: '1st' }], 'input.fields.0.name'],
    ['a name of 65 letters', [{ ...HOURS, name: 'a'.repeat(65) }], 'input.fields.0.name'],
    ['a name that is taken in JavaScript', [{ ...HOURS, name: '__proto__' }], 'input.fields.0.name'],
    [
      'an unknown type',
      [{ ...HOURS, type: 'date' }],
      'input.fields.0.type": Invalid type: Expected ("number" | "integer" | "boolean" | "enum" | "text" | "id")',
    ],
    ['a bound that is no number', [{ ...HOURS, min: 'low' }], 'input.fields.0.min'],
    ['an enumeration of nothing', [{ name: 'mood', type: 'enum', values: [] }], 'input.fields.0.values'],
    [
      'an unknown rule for what is missing',
      [{ ...HOURS, missing: 'guess' }],
      'input.fields.0.missing": not "reject", "nan" or { "default": a number }',
    ],
    ['a default that is no number', [{ ...HOURS, missing: { default: 'x' } }], 'fields.0.missing.default'],
    ['a bound that is not finite', [{ ...HOURS, min: Infinity }], 'input.fields.0.min": not a finite number'],
    [
      'a tensor of its own besides the common one',
      [{ ...HOURS, tensor: 'h' }],
      'either input.tensor takes all',
    ],
    [
      'too many fields',
      Array.from({ length: 4097 }, (_, i) => ({ ...HOURS, name: `f${i}` })),
      'input.fields',
    ],
  ])('%s', (_, fields, why) => {
    expect(() => contractOf(fields)).toThrow(refused(why))
  })

  test('a field without any tensor', () => {
    expect(() => contractOf([HOURS], {})).toThrow(refused('every field names its own tensor'))
  })

  test('two fields in one tensor of their own, of which one would be lost', () => {
    const fields = [HOURS, { ...HOURS, name: 'days' }].map((field) => ({ ...field, tensor: 'h' }))
    expect(() => contractOf(fields, {})).toThrow(refused('two fields have the same tensor'))
  })

  test.each<[string, Readonly<Record<string, unknown>>]>([
    ['a fraction', HOURS],
    ['NaN', { name: 'age', type: 'integer', missing: 'nan' }],
    ['a default with a fraction', { name: 'age', type: 'integer', missing: { default: 0.5 } }],
  ])('%s in an integer tensor', (_, field) => {
    expect(() => contractOf([field], { tensor: 'x', dtype: 'int64' })).toThrow(
      refused('an integer tensor takes no'),
    )
  })
})

describe('refused outputs', () => {
  test.each<[string, readonly Readonly<Record<string, unknown>>[], string]>([
    ['none', [], 'outputs'],
    ['two of one name', [SCORE, SCORE], 'two outputs have the same name'],
    ['a negative column', [{ ...SCORE, column: -1 }], 'outputs.0.column'],
    ['an unknown kind', [{ ...SCORE, kind: 'ranking' }], 'outputs.0.kind'],
    [
      'a decision about nothing',
      [SCORE, { kind: 'decision', name: 'yes', of: 'other', threshold: 0.5 }],
      'a decision or a band names no value output',
    ],
    [
      'a decision about a decision',
      [
        SCORE,
        { kind: 'decision', name: 'yes', of: 'score', threshold: 0.5 },
        { kind: 'decision', name: 'no', of: 'yes', threshold: 0.5 },
      ],
      'a decision or a band names no value output',
    ],
    [
      'a threshold that is no number',
      [SCORE, { kind: 'decision', name: 'yes', of: 'score', threshold: null }],
      'outputs.1.threshold',
    ],
  ])('%s', (_, outputs, why) => {
    expect(() => contractOf([HOURS], { tensor: 'x' }, outputs)).toThrow(refused(why))
  })
})

test.each([null, [], 'contract', {}])('%j is no contract', (value) => {
  expect(() => parseContract(value)).toThrow(refused('The contract is not valid'))
})
