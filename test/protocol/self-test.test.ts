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
