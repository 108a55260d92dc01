import {
  createCodec,
  parseSelfTest,
  recordKind,
  type Assets,
  type AudioInput,
  type GoldenInput,
  type ImageInput,
  type Input,
  type InputKindCode,
  type Prepared,
} from '@afield/protocol'
import { describe, expect, test } from 'vitest'
import { codecOf, contractOf, parseContract, rejection } from './support/contract.js'

const SELF_TEST = { tolerance: { absolute: 0, relative: 0 }, replay: 'passed' }
const selfTest = (input: unknown, output: unknown = { y: 1 }) =>
  parseSelfTest({ ...SELF_TEST, vectors: [{ input, output }] })

describe('golden vectors are parsed with limits', () => {
  test.each<[string, unknown, unknown]>([
    ['a record', { n: 1, who: 'a', yes: true }, { y: 1 }],
    [
      'tensors',
      { x: { dims: [1, 2], data: [1, '9007199254740993'] }, rate: 16000, y: [1, 2] },
      { y: 'high' },
    ],
    ['an image', { width: 1, height: 1, rgba: 'AAAAAA==' }, { y: { label: 'cat', score: 1 } }],
    ['audio', { sampleRate: 16000, samples: [0, 0.5] }, { y: [{ label: 'cat' }] }],
    ['a text', 'Was this helpful?', { y: { dims: [1], data: [true] } }],
  ])('%s', (_, input, output) => {
    expect(selfTest(input, output).vectors).toEqual([{ input, output }])
  })

  test.each<[string, unknown, unknown]>([
    ['a list', [1, 2], { y: 1 }],
    ['a number', 1, { y: 1 }],
    ['an object inside', { x: { y: { z: 1 } } }, { y: 1 }],
    ['lists in lists', { x: [[1]] }, { y: 1 }],
    ['dims that are none', { x: { dims: [1.5], data: [] } }, { y: 1 }],
    ['infinity', { n: Number.POSITIVE_INFINITY }, { y: 1 }],
    ['too long a text', 'x'.repeat(2 ** 20 + 1), { y: 1 }],
    ['too many elements', { x: Array.from({ length: 500_001 }, () => 0) }, { y: 1 }],
    ['an answer of nothing', { n: 1 }, { y: null }],
    ['a label that is none', { n: 1 }, { y: { label: 3 } }],
    ['the best of none', { n: 1 }, { y: [] }],
  ])('not %s', (_, input, output) => {
    expect(() => selfTest(input, output)).toThrow(expect.objectContaining({ code: 'descriptor/invalid' }))
  })
})

const value = { kind: 'value', name: 'y', tensor: 'y' }

/** A kind whose encoder keeps what it is asked to prepare. */
function recording(asked: unknown[]): InputKindCode<Input> {
  return {
    schema: recordKind.schema,
    createEncoder: (_input: Input, _assets: Assets) => ({
      prepare: (input) => asked.push(input),
      rows: () => 1,
      encode: () => ({}),
    }),
  }
}

async function asApp(input: Partial<ImageInput | AudioInput>, golden: GoldenInput): Promise<unknown> {
  const asked: unknown[] = []
  const codec = await createCodec(parseContract({ input, outputs: [value] }), recording(asked))
  await codec.prepareGolden(golden)
  return asked[0]
}

const IMAGE = { kind: 'image', tensor: 'x', width: 2, height: 1 } as const
const AUDIO = { kind: 'audio', tensor: 'x', sampleRate: 16000 } as const

describe('the input of a golden vector is what an app would give', () => {
  test('an image: its pixels', async () => {
    const rgba = Buffer.from([1, 2, 3, 4, 253, 254, 255, 0]).toString('base64')
    expect(await asApp(IMAGE, { width: 2, height: 1, rgba })).toEqual({
      width: 2,
      height: 1,
      data: Uint8ClampedArray.of(1, 2, 3, 4, 253, 254, 255, 0),
    })
  })

  test('audio: its samples, as numbers or as float32 in base64', async () => {
    const samples = Float32Array.of(0, -0.5, 1)
    const base64 = Buffer.from(samples.buffer).toString('base64')
    const expected = { sampleRate: 16000, samples }
    expect(await asApp(AUDIO, { sampleRate: 16000, samples: base64 })).toEqual(expected)
    expect(await asApp(AUDIO, { sampleRate: 16000, samples: [0, -0.5, 1] })).toEqual(expected)
  })

  test.each<[string, Partial<ImageInput | AudioInput>, GoldenInput, string]>([
    ['pixels that are no base64', IMAGE, { width: 1, height: 1, rgba: '!' }, 'image'],
    ['no pixels', IMAGE, { width: 1, height: 1 }, 'image'],
    ['samples that are no base64', AUDIO, { sampleRate: 16000, samples: 'AA' }, 'audio'],
    ['half a sample', AUDIO, { sampleRate: 16000, samples: 'AAAAAAAA' }, 'audio'],
    ['texts for samples', AUDIO, { sampleRate: 16000, samples: ['0'] }, 'audio'],
  ])('not %s', async (_, input, golden, field) => {
    expect(await rejection(asApp(input, golden))).toMatchObject({
      code: 'input/invalid',
      details: { field, problem: 'malformed' },
    })
  })

  test('tensors: 64-bit integers and what JSON cannot say, as texts', async () => {
    const contract = parseContract({
      input: {
        kind: 'tensors',
        tensors: [
          { name: 'n', dtype: 'int64', shape: [2] },
          { name: 'x', dtype: 'float32', shape: [3] },
        ],
      },
      outputs: [value],
    })
    const codec = await codecOf(contract)
    const x = ['NaN', '-Infinity', 1]
    const prepared = codec.prepareGolden({
      n: ['9007199254740993', -1],
      x: { dims: [3], data: x },
    }) as Prepared
    expect(codec.encode([prepared])).toMatchObject({
      n: { data: BigInt64Array.of(9007199254740993n, -1n) },
      x: { data: Float32Array.of(Number.NaN, Number.NEGATIVE_INFINITY, 1) },
    })
    const bad = async () => codec.prepareGolden({ n: ['1.5', '1'], x })
    expect(await rejection(bad())).toMatchObject({ details: { field: 'n', problem: 'mistyped' } })
  })

  test('a record: itself', async () => {
    const codec = await createCodec(contractOf([{ name: 'n', type: 'number' }]), recordKind)
    const prepared = codec.prepareGolden({ n: 3 }) as Prepared
    expect(codec.encode([prepared])['x']?.data).toEqual(Float32Array.of(3))
  })
})
