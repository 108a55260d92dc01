import { decodeOutputs } from '@afield/protocol'
import { describe, expect, test } from 'vitest'
import { SCORE, contractOf } from './support/contract.js'

const DECISION = { kind: 'decision', name: 'yes', of: 'score', threshold: 0.5 } as const
const give = (...outputs: readonly Readonly<Record<string, unknown>>[]) =>
  contractOf([{ name: 'n', type: 'number' }], { tensor: 'x' }, outputs)
const tensor = (dims: readonly number[], data: ArrayLike<number | bigint | boolean | string>) => ({
  y: { dtype: 'float32', dims, data },
})

describe('answers are read', () => {
  test('one a row, from [N]', () => {
    expect(decodeOutputs(give(SCORE), tensor([2], [0.25, 0.75]), 2)).toEqual([
      { score: 0.25 },
      { score: 0.75 },
    ])
  })

  test('from a column of [N, columns]', () => {
    const contract = give({ ...SCORE, name: 'no', column: 0 }, { ...SCORE, column: 1 })
    expect(decodeOutputs(contract, tensor([2, 2], [1, 2, 3, 4]), 2)).toEqual([
      { no: 1, score: 2 },
      { no: 3, score: 4 },
    ])
  })

  test('from int64 and from booleans', () => {
    expect(decodeOutputs(give(SCORE), tensor([1], BigInt64Array.of(3n)), 1)).toEqual([{ score: 3 }])
    expect(decodeOutputs(give(SCORE), tensor([1], [true]), 1)).toEqual([{ score: 1 }])
  })
})

describe('a decision', () => {
  test.each([
    [0.5, true],
    [0.4999, false],
    [0.9, true],
  ])('is made at its threshold: %d is %s', (score, yes) => {
    expect(decodeOutputs(give(SCORE, DECISION), tensor([1], [score]), 1)).toEqual([{ score, yes }])
  })

  test('may stand before the value that it is made of', () => {
    expect(decodeOutputs(give(DECISION, SCORE), tensor([1], [0.9]), 1)).toEqual([{ yes: true, score: 0.9 }])
  })
})

describe('no answer is made up', () => {
  test.each<[string, ReturnType<typeof tensor> | Record<string, never>]>([
    ['the tensor is not there', {}],
    ['it has no such column', tensor([1, 1], [0.5])],
    ['it holds NaN', tensor([1, 2], [0.5, Number.NaN])],
    ['it holds a text', tensor([1, 2], ['0.5', '0.5'])],
    ['it is empty', tensor([0], [])],
  ])('%s', (_, tensors) => {
    expect(() => decodeOutputs(give({ ...SCORE, column: 1 }), tensors, 1)).toThrow(
      expect.objectContaining({ code: 'engine/run-failed', details: { output: 'score' } }),
    )
  })
})
