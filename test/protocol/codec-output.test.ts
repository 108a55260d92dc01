import type { ScoredLabel } from '@afield/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SCORE, contractOf, decode, encode } from './support/contract.js'

const DECISION = { kind: 'decision', name: 'yes', of: 'score', threshold: 0.5 } as const
const give = (...outputs: readonly Readonly<Record<string, unknown>>[]) =>
  contractOf([{ name: 'n', type: 'number' }], { tensor: 'x' }, outputs)
/** What two records are, or one. */
const rows = (count: number) => Array.from({ length: count }, () => ({ n: 1 }))
const tensor = (dims: readonly number[], data: ArrayLike<number | bigint | boolean | string>) => ({
  y: { dtype: 'float32', dims, data },
})

describe('answers are read', () => {
  test('one a row, from [N]', async () => {
    expect(await decode(give(SCORE), tensor([2], [0.25, 0.75]), rows(2))).toEqual([
      { score: 0.25 },
      { score: 0.75 },
    ])
  })

  test('from a column of [N, columns]', async () => {
    const contract = give({ ...SCORE, name: 'no', column: 0 }, { ...SCORE, column: 1 })
    expect(await decode(contract, tensor([2, 2], [1, 2, 3, 4]), rows(2))).toEqual([
      { no: 1, score: 2 },
      { no: 3, score: 4 },
    ])
  })

  test('from int64 and from booleans', async () => {
    expect(await decode(give(SCORE), tensor([1], BigInt64Array.of(3n)), rows(1))).toEqual([{ score: 3 }])
    expect(await decode(give(SCORE), tensor([1], [true]), rows(1))).toEqual([{ score: 1 }])
  })
})

describe('a decision', () => {
  test.each([
    [0.5, true],
    [0.4999, false],
    [0.9, true],
  ])('is made at its threshold: %d is %s', async (score, yes) => {
    expect(await decode(give(SCORE, DECISION), tensor([1], [score]), rows(1))).toEqual([{ score, yes }])
  })

  test('may stand before the value that it is made of', async () => {
    expect(await decode(give(DECISION, SCORE), tensor([1], [0.9]), rows(1))).toEqual([
      { yes: true, score: 0.9 },
    ])
  })
})

describe('a band', () => {
  const BAND = {
    kind: 'band',
    name: 'level',
    of: 'score',
    bands: [{ label: 'low' }, { label: 'fair', from: 0.3 }, { label: 'high', from: 0.7 }],
  } as const

  test.each([
    [-5, 'low'],
    [0.2999, 'low'],
    [0.3, 'fair'],
    [0.7, 'high'],
    [9, 'high'],
  ])('is the last that a value reaches: %d is %s', async (score, level) => {
    expect(await decode(give(BAND, SCORE), tensor([1], [score]), rows(1))).toEqual([{ level, score }])
  })
})

const LABELS = ['cat', 'dog', 'fox']

describe('a label', () => {
  test('is the class with the highest score, the first of equals', async () => {
    const contract = give({ kind: 'label', name: 'is', tensor: 'y', labels: LABELS })
    expect(await decode(contract, tensor([2, 3], [0.1, 0.7, 0.2, 0.4, 0.2, 0.4]), rows(2))).toEqual([
      { is: { label: 'dog', score: 0.7 } },
      { is: { label: 'cat', score: 0.4 } },
    ])
  })

  test.each([
    ['softmax', [0, Math.log(2), 0], 0.5],
    ['softmax', [-1000, 1000, -1000], 1],
    ['sigmoid', [-1, 0, -2], 0.5],
  ])('has a share by %s', async (activation, logits, score) => {
    const contract = give({ kind: 'label', name: 'is', tensor: 'y', labels: LABELS, activation })
    expect(await decode(contract, tensor([1, 3], logits), rows(1))).toEqual([
      { is: { label: 'dog', score: expect.closeTo(score, 12) } },
    ])
  })

  test('is what the graph itself says, by position or as a text, and its score comes from beside it', async () => {
    const said = give({ kind: 'label', name: 'is', tensor: 'y', scores: 's', labels: LABELS })
    const scores = { s: { dtype: 'float32', dims: [2, 3], data: [0.2, 0.3, 0.5, 0.6, 0.1, 0.3] } }
    const positions = { ...tensor([2], BigInt64Array.of(2n, 1n)), ...scores }
    expect(await decode(said, positions, rows(2))).toEqual([
      { is: { label: 'fox', score: 0.5 } },
      { is: { label: 'dog', score: 0.1 } },
    ])
    const texts = { ...tensor([2], ['fox', 'dog']), ...scores }
    expect(await decode(said, texts, rows(2))).toEqual(await decode(said, positions, rows(2)))
  })

  test.each<[string, readonly number[], readonly (number | string)[]]>([
    ['another number of classes than labels', [1, 2], [0.5, 0.5]],
    ['NaN among the scores', [1, 3], [0.5, Number.NaN, 0.2]],
    ['texts for scores', [1, 3], ['a', 'b', 'c']],
    ['nothing', [1, 0], []],
  ])('is not made up from %s', async (_, dims, data) => {
    const contract = give({ kind: 'label', name: 'is', tensor: 'y', labels: LABELS })
    await expect(decode(contract, tensor(dims, data), rows(1))).rejects.toMatchObject({
      code: 'engine/run-failed',
      details: { output: 'is' },
    })
  })
})

test.each([
  ['softmax', [1, Number.POSITIVE_INFINITY, 0]],
  ['softmax', [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]],
])('no share by %s is made of %s', async (activation, logits) => {
  for (const kind of [{ kind: 'label' }, { kind: 'top-k', k: 2 }]) {
    const contract = give({ ...kind, name: 'is', tensor: 'y', labels: LABELS, activation })
    await expect(decode(contract, tensor([1, 3], logits), rows(1))).rejects.toMatchObject({
      code: 'engine/run-failed',
      details: { output: 'is' },
    })
  }
})

test('a class that the graph makes up has no label', async () => {
  const said = give({ kind: 'label', name: 'is', tensor: 'y', scores: 's', labels: LABELS })
  const results = {
    ...tensor([1], BigInt64Array.of(3n)),
    s: { dtype: 'float32', dims: [1, 3], data: [0.2, 0.3, 0.5] },
  }
  await expect(decode(said, results, rows(1))).rejects.toThrow('gave a class for "is" that is none of its 3')
})

test('a number of 64 bits is not rounded in silence', async () => {
  const largest = BigInt(Number.MAX_SAFE_INTEGER)
  expect(await decode(give(SCORE), tensor([1], BigInt64Array.of(-largest)), rows(1))).toEqual([
    { score: -Number.MAX_SAFE_INTEGER },
  ])
  await expect(
    decode(give(SCORE), tensor([1], BigInt64Array.of(largest + 2n)), rows(1)),
  ).rejects.toMatchObject({ code: 'engine/run-failed', details: { output: 'score' } })
})

test('−0 stays −0', async () => {
  const [answer] = await decode(give(SCORE), tensor([1], [-0]), rows(1))
  expect(Object.is(answer?.['score'], -0)).toBe(true)
})

describe('top-k', () => {
  test('is the k best, the best first', async () => {
    const contract = give({ kind: 'top-k', name: 'best', tensor: 'y', labels: LABELS, k: 2 })
    expect(await decode(contract, tensor([1, 3], [0.1, 0.2, 0.7]), rows(1))).toEqual([
      {
        best: [
          { label: 'fox', score: 0.7 },
          { label: 'dog', score: 0.2 },
        ],
      },
    ])
  })

  test('is all of them where there are no more', async () => {
    const contract = give({ kind: 'top-k', name: 'best', tensor: 'y', labels: LABELS, k: 10 })
    const [answer] = await decode(contract, tensor([1, 3], [1, 3, 2]), rows(1))
    expect(answer?.['best']).toMatchObject([{ label: 'dog' }, { label: 'fox' }, { label: 'cat' }])
  })

  test('agrees with sorting, whatever the scores', async () => {
    const scores = fc.array(fc.double({ noNaN: true }), { minLength: 1, maxLength: 50 })
    await fc.assert(
      fc.asyncProperty(scores, fc.integer({ min: 1, max: 60 }), async (data, k) => {
        const labels = data.map((_, i) => `c${i}`)
        const contract = give({ kind: 'top-k', name: 'best', tensor: 'y', labels, k })
        const [answer] = await decode(contract, tensor([1, data.length], data), rows(1))
        const best = (answer?.['best'] ?? []) as readonly ScoredLabel[]
        expect(best.map(({ score }) => score)).toEqual([...data].sort((a, b) => b - a).slice(0, k))
        expect(new Set(best.map(({ label }) => label)).size).toBe(best.length)
        for (const { label, score } of best) expect(data[labels.indexOf(label)]).toBe(score)
      }),
    )
  })
})

describe('a tensor', () => {
  const TENSOR = give({ kind: 'tensor', name: 'map', tensor: 'y' })

  test('is split by rows', async () => {
    const results = { y: { dtype: 'float32', dims: [2, 2, 1], data: Float32Array.of(1, 2, 3, 4) } }
    expect(await decode(TENSOR, results, rows(2))).toEqual([
      { map: { dtype: 'float32', dims: [1, 2, 1], data: Float32Array.of(1, 2) } },
      { map: { dtype: 'float32', dims: [1, 2, 1], data: Float32Array.of(3, 4) } },
    ])
  })

  test('of another number of rows is nobody’s', async () => {
    const results = { y: { dtype: 'float32', dims: [1, 2], data: Float32Array.of(1, 2) } }
    await expect(decode(TENSOR, results, rows(2))).rejects.toMatchObject({ code: 'engine/run-failed' })
  })
})

test('ids of a record come back with its answer, and the graph never sees them', async () => {
  const fields = [
    { type: 'id', name: 'who' },
    { type: 'number', name: 'n' },
  ]
  const contract = contractOf(fields)
  const inputs = [{ who: 'a', n: 1 }, { who: 7, n: 2 }, { n: 3 }]
  expect(await encode(contract, inputs)).toMatchObject({
    x: { dims: [3, 1], data: Float32Array.of(1, 2, 3) },
  })
  expect(await decode(contract, tensor([3], [0.1, 0.2, 0.3]), inputs)).toEqual([
    { who: 'a', score: 0.1 },
    { who: 7, score: 0.2 },
    { score: 0.3 },
  ])
})

describe('no answer is made up', () => {
  test.each<[string, ReturnType<typeof tensor> | Record<string, never>]>([
    ['the tensor is not there', {}],
    ['it has no such column', tensor([1, 1], [0.5])],
    ['it holds NaN', tensor([1, 2], [0.5, Number.NaN])],
    ['it holds a text', tensor([1, 2], ['0.5', '0.5'])],
    ['it is empty', tensor([0], [])],
  ])('%s', async (_, tensors) => {
    await expect(decode(give({ ...SCORE, column: 1 }), tensors, rows(1))).rejects.toMatchObject({
      code: 'engine/run-failed',
      details: { output: 'score' },
    })
  })
})
