import {
  describeDisagreement,
  findDisagreement,
  parseSelfTest,
  type Outputs,
  type SelfTest,
} from '@afield/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

type Promised = SelfTest['vectors'][number]['output']

const golden = (...outputs: readonly Promised[]): SelfTest => ({
  vectors: outputs.map((output) => ({ input: { n: 1 }, output })),
  tolerance: { absolute: 0.01, relative: 0.1 },
  replay: 'passed',
})

describe('an engine agrees', () => {
  test.each<[string, Promised, Outputs]>([
    ['within the absolute tolerance near zero', { score: 0 }, { score: 0.01 }],
    ['within both together', { score: 10 }, { score: 11.0099 }],
    ['on a decision', { yes: true }, { yes: true }],
    ['when it says more than was promised', { score: 1 }, { score: 1, other: 5 }],
  ])('%s', (_, promised, said) => {
    expect(findDisagreement(golden(promised), [said])).toBeUndefined()
  })
})

describe('an engine disagrees', () => {
  test.each<[string, Promised, Outputs | undefined]>([
    ['beyond the tolerance', { score: 10 }, { score: 11.02 }],
    ['with NaN', { score: 0 }, { score: Number.NaN }],
    ['with infinity', { score: 1e300 }, { score: Number.POSITIVE_INFINITY }],
    ['on a decision', { yes: true }, { yes: false }],
    ['with a number for a decision', { yes: true }, { yes: 1 }],
    ['with a decision for a number', { score: 1 }, { score: true }],
    ['without the output', { score: 1 }, {}],
    ['without an answer', { score: 1 }, undefined],
  ])('%s', (_, promised, said) => {
    expect(findDisagreement(golden(promised), said ? [said] : [])).toMatchObject({ vector: 0 })
  })

  test('at the first vector and output that differ', () => {
    const promised = golden({ a: 1, b: 1 }, { a: 1, b: 1 }, { a: 1, b: 1 })
    const said = [
      { a: 1, b: 1 },
      { a: 1, b: 2 },
      { a: 9, b: 9 },
    ]
    const found = findDisagreement(promised, said)
    expect(found).toEqual({ vector: 1, output: 'b', expected: 1, actual: 2 })
    expect(found && describeDisagreement(found)).toBe('golden vector 2 promises b = 1, the model says 2')
  })
})

describe('golden vectors that cannot be read are refused, and named', () => {
  const inputs: readonly [unknown, string][] = [
    [5, 'input": not a text or an object'],
    [{ a: null }, 'input.a": not a finite number, a text or a boolean'],
    [{ a: Number.NaN }, 'input.a": not a finite number, a text or a boolean'],
    [{ a: [1, {}] }, 'input.a": not a list of values'],
    [{ a: { dims: [1] } }, 'input.a.data"'],
    [{ a: { dims: [0.5], data: [1] } }, 'input.a.dims.0": not a whole number'],
  ]
  test.each(inputs)('input %j', (input, why) => {
    expect(() => parse({ input, output: {} })).toThrow(why)
  })

  const outputs: readonly [unknown, string][] = [
    [null, 'output.y": not a finite number, a text or a boolean'],
    [[], 'output.y": its length is not 1 to 1000'],
    [[{ score: 1 }], 'output.y.0.label"'],
    [{ label: 5 }, 'output.y.label"'],
    [{ label: 'a', score: Infinity }, 'output.y.score": not a finite number'],
    [{ dims: [1] }, 'output.y.data"'],
  ]
  test.each(outputs)('output %j', (y, why) => {
    expect(() => parse({ input: { n: 1 }, output: { y } })).toThrow(why)
  })

  function parse(vector: unknown): SelfTest {
    return parseSelfTest({ ...golden(), vectors: [vector] })
  }
})

const TOP = [
  { label: 'fox', score: 0.5 },
  { label: 'dog', score: 0.3 },
]
const numbers = (...data: readonly number[]) => ({ dims: [1, data.length], data: [...data] })
const tensor = (...data: readonly number[]) => ({
  dtype: 'float64',
  dims: [1, data.length],
  data: Float64Array.from(data),
})

describe('labels, bands and tensors', () => {
  test.each<[string, Promised, Outputs]>([
    ['a label and its score', { is: { label: 'fox', score: 0.5 } }, { is: { label: 'fox', score: 0.51 } }],
    ['a label without a score', { is: { label: 'fox' } }, { is: { label: 'fox', score: 0.1 } }],
    ['a label by its text', { is: 'fox' }, { is: { label: 'fox', score: 0.1 } }],
    ['a band', { is: 'high' }, { is: 'high' }],
    ['the best, in another order', { is: [...TOP].reverse() }, { is: TOP }],
    ['fewer than all of the best', { is: TOP.slice(0, 1) }, { is: TOP }],
    [
      'the best, where another one is as good at its end',
      { is: TOP },
      { is: [TOP[0], { label: 'cat', score: 0.3 }] as never },
    ],
    ['a tensor, each element within the tolerance', { is: numbers(1, 2) }, { is: tensor(1.05, 1.9) }],
    [
      'int64, to the last digit',
      { is: { dims: [1], data: ['9007199254740993'] } },
      { is: { dtype: 'int64', dims: [1], data: BigInt64Array.of(9007199254740993n) } },
    ],
    [
      'booleans',
      { is: { dims: [2], data: [true, false] } },
      { is: { dtype: 'bool', dims: [2], data: Uint8Array.of(1, 0) } },
    ],
    ['texts', { is: { dims: [1], data: ['a'] } }, { is: { dtype: 'string', dims: [1], data: ['a'] } }],
  ])('agree: %s', (_, promised, said) => {
    expect(findDisagreement(golden(promised), [said])).toBeUndefined()
  })

  test.each<[string, Promised, Outputs]>([
    ['another label', { is: { label: 'fox', score: 0.5 } }, { is: { label: 'dog', score: 0.5 } }],
    ['another score', { is: { label: 'fox', score: 0.5 } }, { is: { label: 'fox', score: 0.6 } }],
    ['another band', { is: 'high' }, { is: 'low' }],
    ['one that is not among the best', { is: [{ label: 'cat', score: 0.9 }] }, { is: TOP }],
    ['one of the best that is scored otherwise', { is: [{ label: 'fox', score: 0.9 }] }, { is: TOP }],
    ['one element beyond the tolerance', { is: numbers(1, 2) }, { is: tensor(1, 2.5) }],
    ['NaN', { is: numbers(1) }, { is: tensor(Number.NaN) }],
    ['another shape', { is: { dims: [2, 1], data: [1, 2] } }, { is: tensor(1, 2) }],
    [
      'int64, in the last digit',
      { is: { dims: [1], data: ['9007199254740993'] } },
      { is: { dtype: 'int64', dims: [1], data: BigInt64Array.of(9007199254740992n) } },
    ],
    ['another text', { is: { dims: [1], data: ['a'] } }, { is: { dtype: 'string', dims: [1], data: ['b'] } }],
    ['a tensor for a label', { is: { label: 'fox' } }, { is: tensor(1) }],
    ['a label for a tensor', { is: numbers(1) }, { is: { label: 'fox', score: 1 } }],
    ['a number for the best', { is: TOP }, { is: 1 }],
  ])('disagree: %s', (_, promised, said) => {
    expect(findDisagreement(golden(promised), [said])).toMatchObject({ output: 'is' })
  })

  test('are told in a few words', () => {
    const told = (promised: Promised, said: Outputs): string => {
      const found = findDisagreement(golden(promised), [said])
      return found ? describeDisagreement(found) : ''
    }
    expect(told({ is: { label: 'fox', score: 0.51239999 } }, { is: TOP })).toMatch(
      /is = fox \(0.5124\), .* \[fox, dog\]$/,
    )
    expect(told({ is: numbers(1, 2, 3, 4, 5, 6) }, { is: tensor(1) })).toMatch(
      /is = \[1, 6\] of 1, 2, 3, 4, 5, …, the model says \[1, 1\] of 1$/,
    )
  })
})

test('any answer agrees with itself, and none with itself and more than the tolerance', () => {
  const score = fc.double({ min: -1e6, max: 1e6, noNaN: true })
  fc.assert(
    fc.property(score, fc.double({ min: 1.01, max: 10, noNaN: true }), (promised, factor) => {
      const tolerance = 0.01 + 0.1 * Math.abs(promised)
      const agrees = (said: number) => findDisagreement(golden({ s: promised }), [{ s: said }]) === undefined
      expect(agrees(promised)).toBe(true)
      expect(agrees(promised + factor * tolerance)).toBe(false)
      expect(agrees(promised - factor * tolerance)).toBe(false)
    }),
  )
})
