import {
  allocate,
  createCodec,
  fill,
  readable,
  tensorsKind,
  type Codec,
  type Feeds,
  type Prepared,
  type TensorValue,
} from '@afield/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encode, inputError, parseContract, rejection } from './support/contract.js'

const tensorsOf = (...tensors: readonly object[]) =>
  parseContract({
    input: { kind: 'tensors', tensors },
    outputs: [{ kind: 'tensor', name: 'back', tensor: 'x' }],
  })
const X = (dtype: string, shape: readonly number[]) => tensorsOf({ name: 'x', dtype, shape })

/** What a graph of one Identity gives. */
function echo(feeds: Feeds): Feeds {
  return Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, readable(tensor)]))
}

const ELEMENTS = {
  float32: fc.float({ noNaN: true }),
  float64: fc.double({ noNaN: true }),
  float16: fc.integer({ min: -2048, max: 2048 }),
  int8: fc.integer({ min: -128, max: 127 }),
  int16: fc.integer({ min: -32768, max: 32767 }),
  int32: fc.integer(),
  int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  uint8: fc.integer({ min: 0, max: 255 }),
  uint16: fc.integer({ min: 0, max: 65535 }),
  uint32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  uint64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  bool: fc.constantFrom(0, 1),
  string: fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
} as const
type Name = keyof typeof ELEMENTS
const NAMES = Object.keys(ELEMENTS) as readonly Name[]

describe.each(NAMES)('%s', (dtype) => {
  const list = fc.array(ELEMENTS[dtype] as fc.Arbitrary<number | bigint | string>, {
    minLength: 1,
    maxLength: 40,
  })

  test('goes in as an array, {dims, data} or the runtime’s own array, and comes back as it was', async () => {
    const codec = await createCodec(X(dtype, [-1]), tensorsKind)
    fc.assert(
      fc.property(list, (values) => {
        const own = allocate(dtype, values.length)
        fill(own, dtype, values)
        for (const input of [
          { x: values },
          { x: { dims: [values.length], data: values } },
          { x: own },
          values,
        ]) {
          const prepared = codec.prepare(input) as Prepared
          const [answer] = codec.decode(echo(codec.encode([prepared])), [prepared])
          const back = answer?.outputs['back'] as TensorValue | undefined
          expect(back?.dims).toEqual([values.length])
          expect(Array.from<unknown>(back?.data ?? [])).toEqual(values)
        }
      }),
    )
  })

  test('is answered together as it is one by one', async () => {
    const codec = await createCodec(X(dtype, [-1, 2]), tensorsKind)
    const rows = fc.array(fc.tuple(list, list), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(fc.array(rows, { minLength: 1, maxLength: 6 }), (callers) => {
        const prepared = callers.map((own) => codec.prepare(own.map(([[a], [b]]) => [a, b])) as Prepared)
        const groups = codec.groups(prepared, (one) => one)
        expect(groups).toEqual([prepared])
        const together = codec.decode(echo(codec.encode(prepared)), prepared)
        const apart = prepared.flatMap((one) => codec.decode(echo(codec.encode([one])), [one]))
        expect(together).toEqual(apart)
      }),
      { numRuns: 30 },
    )
  })
})

describe('dims', () => {
  test.each<[string, readonly number[], unknown, readonly number[]]>([
    ['follow from the one open size', [-1, 2], [1, 2, 3, 4], [2, 2]],
    ['follow from a fixed shape', [1, 2, 2], [1, 2, 3, 4], [1, 2, 2]],
    ['of one sample, where a batch and a length are open', [-1, -1], [1, 2, 3], [1, 3]],
    ['of arrays in arrays', [-1, -1], [[1, 2], [3, 4], [5, 6]], [3, 2]], // prettier-ignore
    ['of a sample without its batch', [-1, 2, 2], [[1, 2], [3, 4]], [1, 2, 2]], // prettier-ignore
    ['of a scalar', [], 7, []],
    ['of a scalar in a list', [1], 7, [1]],
    ['of nothing, where that is a size', [1, -1], { dims: [1, 0], data: [] }, [1, 0]],
  ])('%s', async (_, shape, x, dims) => {
    const { x: fed } = await encode(X('float32', shape), [{ x }])
    expect(fed?.dims).toEqual(dims)
  })

  test.each<[string, readonly number[], unknown]>([
    ['that leave two sizes open', [2, -1, -1], [1, 2, 3, 4]],
    ['that leave a rest', [-1, 2], [1, 2, 3]],
    ['of another rank', [-1, 2], { dims: [2], data: [1, 2] }],
    ['of another size', [-1, 2], { dims: [1, 3], data: [1, 2, 3] }],
    ['that are not as many as the elements', [-1, 2], { dims: [2, 2], data: [1, 2] }],
    ['that are no numbers', [-1, 2], { dims: ['1', 2], data: [1, 2] }],
    ['of ragged arrays', [-1, 2], [[1, 2], [3]]], // prettier-ignore
    ['of arrays among numbers', [-1, 2], [[1, 2], 3]], // prettier-ignore
  ])('%s are refused', async (_, shape, x) => {
    expect(await rejection(encode(X('float32', shape), [{ x }]))).toEqual(inputError('x', 'shape'))
  })
})

describe('refused', () => {
  const cases: readonly (readonly [string, Name, unknown, string])[] = [
    ['numbers that a type cannot hold', 'uint8', [256], 'out-of-range'],
    ['numbers below its range', 'uint32', [-1], 'out-of-range'],
    ['a bigint beyond it', 'int64', [2n ** 63n], 'out-of-range'],
    ['a fraction for a whole number', 'int32', [1.5], 'mistyped'],
    ['a whole number that a double cannot tell from the next', 'int64', [2 ** 53], 'mistyped'],
    ['a number that float32 makes infinite', 'float32', [1e39], 'out-of-range'],
    ['a number that float16 makes infinite', 'float16', [65520], 'out-of-range'],
    ['a float array that float16 makes infinite', 'float16', Float32Array.of(1e6), 'out-of-range'],
    ['a 2 for a boolean', 'bool', Uint8Array.of(2), 'mistyped'],
    ['half a surrogate pair', 'string', ['\ud83d'], 'malformed'],
    ['a text with a NUL', 'string', ['a\0b'], 'malformed'],
    ['a number for a text', 'string', [1], 'mistyped'],
    ['an array of another type', 'float32', Int32Array.of(1), 'dtype'],
    ['an array of signed bytes for unsigned', 'uint8', Int8Array.of(1), 'dtype'],
    ['a tensor that says another type', 'float32', { dtype: 'int8', dims: [1], data: [1] }, 'dtype'],
    ['an object', 'float32', { width: 1 }, 'mistyped'],
    ['nothing', 'float32', null, 'missing'],
  ]
  test.each(cases)('%s', async (_, dtype, x, problem) => {
    expect(await rejection(encode(X(dtype, [-1]), [{ x }]))).toEqual(inputError('x', problem))
  })

  test('a view of bytes that are no elements', async () => {
    const view = new DataView(new ArrayBuffer(4))
    expect(await rejection(encode(X('float32', [-1]), [{ x: view }]))).toEqual(inputError('x', 'dtype'))
  })

  test('a list that holds itself', async () => {
    const list: unknown[] = []
    list.push(list)
    expect(await rejection(encode(X('float32', [-1]), [list]))).toEqual(inputError('x', 'shape'))
  })

  test('several tensors without their names', async () => {
    const contract = tensorsOf(
      { name: 'x', dtype: 'float32', shape: [-1] },
      { name: 'y', dtype: 'float32', shape: [-1] },
    )
    expect(await rejection(encode(contract, [[1, 2]]))).toMatchObject({
      code: 'input/invalid',
      message: "predict() takes this model's tensors by name: { x, y }.",
    })
    expect(await rejection(encode(contract, [{ x: [1], y: [1, 2] }]))).toEqual(inputError('y', 'shape'))
  })
})

describe('what may share a run', () => {
  const keyed = async (codec: Codec, inputs: readonly unknown[]): Promise<readonly number[]> => {
    const prepared = await Promise.all(inputs.map(async (input) => codec.prepare(input)))
    return codec.groups(prepared, (one) => one).map(({ length }) => length)
  }

  test('is of one size behind the batch', async () => {
    const codec = await createCodec(X('float32', [-1, -1]), tensorsKind)
    expect(await keyed(codec, [[[1, 2]], [[1, 2, 3]], [[3, 4]], [[5, 6], [7, 8]]])).toEqual([3, 1]) // prettier-ignore
  })

  test('is no more than a run can hold', async () => {
    const codec = await createCodec(X('uint8', [-1, 2 ** 20]), tensorsKind)
    expect(
      await keyed(
        codec,
        Array.from({ length: 9 }, () => new Uint8Array(2 ** 20)),
      ),
    ).toEqual([4, 4, 1])
    const larger = await createCodec(X('uint8', [-1, 2 ** 23]), tensorsKind)
    expect(await keyed(larger, [new Uint8Array(2 ** 23), new Uint8Array(2 ** 23)])).toEqual([1, 1])
  })

  test('is nothing where the first size is fixed, or a length', async () => {
    const fixed = await createCodec(X('float32', [1, 2]), tensorsKind)
    expect(await keyed(fixed, [[1, 2], [3, 4]])).toEqual([1, 1]) // prettier-ignore
    const sequence = parseContract({
      input: { kind: 'tensors', batch: false, tensors: [{ name: 'x', dtype: 'float32', shape: [-1] }] },
      outputs: [{ kind: 'value', name: 'sum', tensor: 's' }],
    })
    const codec = await createCodec(sequence, tensorsKind)
    expect(await keyed(codec, [[1, 2], [3, 4, 5]])).toEqual([1, 1]) // prettier-ignore
  })
})
