import {
  createCodec,
  readable,
  tensorsKind,
  type Codec,
  type Feeds,
  type PlainTensor,
  type Prepared,
} from '@afield/protocol'
import { describe, expect, test } from 'vitest'
import { codecOf, encode, inputError, parseContract, rejection } from './support/contract.js'

/** What a graph of one Identity gives. */
function echo(feeds: Feeds): Feeds {
  return Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, readable(tensor)]))
}

describe('state', () => {
  const STATEFUL = parseContract({
    input: {
      kind: 'tensors',
      tensors: [
        { name: 'x', dtype: 'float32', shape: [-1, 1] },
        { name: 'h', dtype: 'float16', shape: [2], state: 'h_next' },
      ],
    },
    outputs: [{ kind: 'tensor', name: 'y', tensor: 'x' }],
  })
  const run = (codec: Codec, prepared: Prepared) => {
    const fed = codec.encode([prepared])
    return codec.decode(echo({ x: fed['x'] as PlainTensor, h_next: fed['h'] as PlainTensor }), [prepared])[0]
  }

  test('begins with zeros, and goes through float16 unchanged', async () => {
    const codec = await createCodec(STATEFUL, tensorsKind, { stateOf: 'm 0' })
    const first = run(codec, codec.prepare([1]) as Prepared)
    expect(first?.state).toEqual({
      of: 'm 0',
      tensors: { h: { dtype: 'float16', dims: [2], data: Float32Array.of(0, 0) } },
    })
    const h = { dtype: 'float16', dims: [2], data: Float32Array.of(-65504, 2 ** -24) }
    const again = run(codec, codec.prepare([1], { of: 'm 0', tensors: { h } }) as Prepared)
    expect(again?.state?.tensors).toEqual({ h })
  })

  test('of a golden vector has its tensor’s name, and holds no NaN', async () => {
    const codec = await codecOf(STATEFUL)
    for (const h of [[1, 2], { dims: [2], data: [1, 2] }]) {
      const prepared = codec.prepareGolden({ x: [3], h }) as Prepared
      expect(run(codec, prepared)?.state?.tensors['h']?.data).toEqual(Float32Array.of(1, 2))
    }
    const poisoned = async () => codec.prepareGolden({ x: [3], h: ['NaN', 1] })
    expect(await rejection(poisoned())).toEqual(inputError('state', 'out-of-range'))
  })

  test('that the graph gives in another form is no state', async () => {
    const codec = await codecOf(STATEFUL)
    const prepared = codec.prepare([1]) as Prepared
    const x = codec.encode([prepared])['x'] as PlainTensor
    const wrong = { dtype: 'float16', dims: [1, 2], data: Float32Array.of(1, 2) }
    expect(() => codec.decode({ x, h_next: wrong }, [prepared])).toThrow(
      expect.objectContaining({ code: 'engine/run-failed', details: { output: 'h_next' } }),
    )
  })

  test('cannot be given as a tensor', async () => {
    const refused = await rejection(encode(STATEFUL, [{ x: [1], h: [1, 2] }]))
    expect(refused).toMatchObject({ code: 'input/invalid', details: { problem: 'unknown' } })
  })
})
