import {
  audioKind,
  createCodec,
  imageKind,
  parseContract,
  textCode,
  type Input,
  type InputKindCode,
  type Prepared,
} from '@afield/protocol'
import { expect, test } from 'vitest'

/** How many inputs each run takes. */
async function runs(
  kind: InputKindCode<Input>,
  input: object,
  inputs: readonly unknown[],
): Promise<readonly number[]> {
  const outputs = [{ kind: 'value', name: 'score', tensor: 'y' }]
  const codec = await createCodec(parseContract({ input, outputs }, kind), kind)
  const prepared: Prepared[] = []
  for (const one of inputs) prepared.push(await codec.prepare(one))
  return codec.groups(prepared, (one) => one).map(({ length }) => length)
}

test('large pictures share a run with few others, small ones with many', async () => {
  const picture = { width: 1, height: 1, data: new Uint8Array(4) }
  const many = Array.from({ length: 6 }, () => picture)
  const image = { kind: 'image', tensor: 'x' }
  expect(await runs(imageKind as never, { ...image, width: 1024, height: 680 }, many)).toEqual([2, 2, 2])
  expect(await runs(imageKind as never, { ...image, width: 8, height: 8 }, many)).toEqual([6])
})

test('so do long recordings', async () => {
  const audio = { kind: 'audio', tensor: 'x', sampleRate: 16_000, maxSeconds: 200 }
  const recordings = Array.from({ length: 4 }, () => new Float32Array(2_000_000))
  expect(await runs(audioKind as never, audio, recordings)).toEqual([2, 2])
})

test('a short text is not padded to a long one', async () => {
  const words = textCode(() => ({
    special: { before: 0, after: 0 },
    encode: (text) => {
      const ids = text.split(' ').map((word) => word.length)
      return { ids, typeIds: ids.map(() => 0) }
    },
  }))
  const text = { kind: 'text', form: 'tokens', tokenizer: 'a', tensors: { ids: 'x' }, maxTokens: 4096 }
  const long = 'a '.repeat(3000).trim()
  const texts = ['three short words', 'and four words more', long, 'one two three', long]
  expect(await runs(words as never, text, texts)).toEqual([3, 2])
  expect(await runs(words as never, { ...text, pad: 'max' }, texts)).toEqual([5])
})
