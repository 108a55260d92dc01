import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Tokenizer } from '@huggingface/tokenizers'
import {
  AfieldError,
  MAX_TOKENIZER_BYTES,
  openTokenizer,
  parseWith,
  textCode,
  type Assets,
  type InputEncoder,
} from '@afield/protocol'
import { describe, expect, test } from 'vitest'

const FILES = join(import.meta.dirname, '..', 'models', 'text')
const asset = (name: string): Uint8Array => readFileSync(join(FILES, name))
const ASSETS: Assets = {
  'wordpiece.json': asset('wordpiece.json'),
  'bpe.json': asset('bpe.json'),
  'unigram.json': asset('unigram.json'),
}

/** What the models' script says of each text, from its own few lines of WordPiece, BPE and Unigram. */
const VECTORS = JSON.parse(readFileSync(join(FILES, 'vectors.json'), 'utf8')) as readonly {
  readonly text: string
  readonly wordpiece: readonly number[]
  readonly bpe: readonly number[]
  readonly unigram: readonly number[]
}[]

const texts = textCode((input, assets) => openTokenizer(Tokenizer, input, assets))

async function encoderOf(contract: object, assets = ASSETS): Promise<InputEncoder> {
  return texts.createEncoder(
    parseWith(texts.schema, { kind: 'text', ...contract }, 'descriptor/invalid', 'the input'),
    assets,
  )
}

const BERT_WITHOUT_IDS = { type: 'BertProcessing', cls: ['[START]', 900], sep: ['[END]', 901] }
const STRING = { form: 'string', tensor: 'text' }
const TOKENS = {
  form: 'tokens',
  tokenizer: 'wordpiece.json',
  tensors: { ids: 'ids', attentionMask: 'mask', tokenTypeIds: 'types' },
  maxTokens: 128,
}

async function feed(
  contract: object,
  ...inputs: readonly unknown[]
): Promise<ReturnType<InputEncoder['encode']>> {
  const encoder = await encoderOf(contract)
  return encoder.encode(await Promise.all(inputs.map((input) => encoder.prepare(input))))
}

/** A tokenizer to change. */
function changed(name: string): { post_processor: unknown; model: Record<string, unknown> } {
  return JSON.parse(readFileSync(join(FILES, name), 'utf8')) as ReturnType<typeof changed>
}

function asJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}

async function refusal(work: () => unknown): Promise<AfieldError> {
  try {
    await work()
  } catch (error) {
    if (error instanceof AfieldError) return error
    throw error
  }
  throw new Error('It was not refused.')
}

describe('a graph that takes the text itself', () => {
  test('gets one string a row, in the layout that it wants', async () => {
    expect(await feed(STRING, 'one', '')).toEqual({
      text: { dtype: 'string', dims: [2], data: ['one', ''] },
    })
    expect(await feed({ ...STRING, layout: 'n1' }, 'one')).toEqual({
      text: { dtype: 'string', dims: [1, 1], data: ['one'] },
    })
  })

  test('gets the Unicode form that training saw', async () => {
    const both = ['ﬁ', 'e\u0301']
    expect((await feed(STRING, ...both))['text']?.data).toEqual(both)
    expect((await feed({ ...STRING, normalize: 'NFC' }, ...both))['text']?.data).toEqual(['ﬁ', '\u00e9'])
    expect((await feed({ ...STRING, normalize: 'NFKC' }, ...both))['text']?.data).toEqual(['fi', '\u00e9'])
  })

  test('never opens a tokenizer', async () => {
    const none = textCode(() => {
      throw new Error('opened')
    })
    const encoder = await none.createEncoder(
      parseWith(none.schema, { kind: 'text', ...STRING }, 'descriptor/invalid', 'the input'),
      {},
    )
    expect(await encoder.prepare('one')).toBe('one')
  })

  test.each([
    ['missing', undefined],
    ['mistyped', 42],
    ['too-large', 'four!'],
    ['malformed', '\ud83d'],
    ['malformed', 'a\udc00b'],
    // onnxruntime-web would end the text here, in silence.
    ['malformed', 'a\0b'],
  ])('refuses what is no text for it: %s', async (problem, value) => {
    const encoder = await encoderOf({ ...STRING, maxLength: 4 })
    const { code, details, message } = await refusal(() => encoder.prepare(value))
    expect({ code, ...details }).toEqual({ code: 'input/invalid', field: 'text', problem })
    expect(message).not.toContain(String(value))
  })

  test('takes a whole surrogate pair', async () => {
    expect((await feed({ ...STRING, maxLength: 2 }, '🙂'))['text']?.data).toEqual(['🙂'])
  })
})

describe('a tokenizer that comes with the model', () => {
  test.each(['wordpiece', 'bpe', 'unigram'] as const)(
    '%s: each text gets the ids of the script',
    async (name) => {
      for (const vector of VECTORS) {
        const contract = { ...TOKENS, tokenizer: `${name}.json` }
        const { ids } = await feed(contract, vector.text)
        expect({ text: vector.text, ids: Array.from(ids?.data ?? [], Number) }).toEqual({
          text: vector.text,
          ids: vector[name],
        })
      }
      expect(VECTORS.length).toBeGreaterThan(10)
    },
  )

  test('texts of one run are padded to the longest, and the mask says so', async () => {
    const [pad, cls, sep, hello, world] = [0n, 2n, 3n, 5n, 6n]
    expect(await feed(TOKENS, 'hello', 'hello world')).toEqual({
      ids: {
        dtype: 'int64',
        dims: [2, 4],
        data: BigInt64Array.of(cls, hello, sep, pad, cls, hello, world, sep),
      },
      mask: { dtype: 'int64', dims: [2, 4], data: BigInt64Array.of(1n, 1n, 1n, 0n, 1n, 1n, 1n, 1n) },
      types: { dtype: 'int64', dims: [2, 4], data: new BigInt64Array(8) },
    })
  })

  test('or to maxTokens, with the padding and the dtype of the contract', async () => {
    const contract = {
      ...TOKENS,
      maxTokens: 5,
      pad: 'max',
      padId: 4,
      dtype: 'int32',
      tensors: { ids: 'ids' },
    }
    expect(await feed(contract, 'hello')).toEqual({
      ids: { dtype: 'int32', dims: [1, 5], data: Int32Array.of(2, 5, 3, 4, 4) },
    })
  })

  test('a longer text loses its last tokens, never the one that ends it', async () => {
    const { ids, mask } = await feed({ ...TOKENS, maxTokens: 3 }, 'hello world hello world')
    expect(ids?.data).toEqual(BigInt64Array.of(2n, 5n, 3n))
    expect(mask?.data).toEqual(BigInt64Array.of(1n, 1n, 1n))
  })

  test('refuses a text that the tokenizer makes nothing of, and one that it has no token for', async () => {
    const [withoutSpecial, withoutUnknown] = [changed('bpe.json'), changed('wordpiece.json')]
    withoutSpecial.post_processor = null
    withoutUnknown.model.unk_token = 'none'
    const written = { 'bpe.json': asJson(withoutSpecial), 'wordpiece.json': asJson(withoutUnknown) }
    const bpe = await encoderOf({ ...TOKENS, tokenizer: 'bpe.json' }, written)
    expect((await refusal(() => bpe.prepare(''))).details).toEqual({ field: 'text', problem: 'empty' })
    const wordpiece = await encoderOf(TOKENS, written)
    expect((await refusal(() => wordpiece.prepare('xyzzy'))).details).toEqual({
      field: 'text',
      problem: 'unknown',
    })
  })
})

describe('an asset that is no tokenizer is named', () => {
  const wordpiece = changed('wordpiece.json')
  const cases: readonly (readonly [string, Uint8Array | undefined])[] = [
    ['missing', undefined],
    ['no JSON', new TextEncoder().encode('<!doctype html>')],
    ['no object', asJson([])],
    ['an empty object', asJson({})],
    ['no model', asJson({ ...wordpiece, model: null })],
    ['a vocabulary without ids', asJson({ ...wordpiece, model: { ...wordpiece.model, vocab: { a: 'b' } } })],
    ['an unknown normalizer', asJson({ ...wordpiece, normalizer: { type: 'Other' } })],
    ['no added tokens', asJson({ ...wordpiece, added_tokens: null })],
    ['a special token without an id', asJson({ ...wordpiece, post_processor: BERT_WITHOUT_IDS })],
    ['too large', new Uint8Array(MAX_TOKENIZER_BYTES + 1)],
  ]

  test.each(cases)('%s', async (_, bytes) => {
    const assets = bytes ? { 'wordpiece.json': bytes } : {}
    const { code, details } = await refusal(() => encoderOf(TOKENS, assets))
    expect({ code, ...details }).toEqual({ code: 'descriptor/invalid', file: 'wordpiece.json' })
  })

  test('its configuration too', async () => {
    const contract = { ...TOKENS, tokenizerConfig: 'tokenizer_config.json' }
    const assets = { ...ASSETS, 'tokenizer_config.json': new TextEncoder().encode('[') }
    expect((await refusal(() => encoderOf(contract, assets))).details).toEqual({
      file: 'tokenizer_config.json',
    })
  })

  test('special tokens alone must leave room for the text', async () => {
    const { code, message } = await refusal(() => encoderOf({ ...TOKENS, maxTokens: 2 }))
    expect(code).toBe('descriptor/invalid')
    expect(message).toContain('adds 2 tokens')
  })
})
