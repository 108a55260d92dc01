import { TextInputSchema, type TextInput, type TokensText } from '../contract/text.js'
import { AfieldError } from '../errors.js'
import type { Assets, CodeUrls, Feeds, InputEncoder, InputKindCode, PlainTensor } from './encoder.js'
import { invalidInput } from './refuse.js'
import { isWellFormed } from './tensor.js'

/** A text as a tokenizer cuts it, special tokens included. */
export interface Tokens {
  readonly ids: readonly number[]
  /** Segment of each token; zeros where the tokenizer knows none. */
  readonly typeIds: readonly number[]
}

/** A tokenizer, without the library that it comes from. */
export interface Tokenizer {
  /** How many tokens it sets before and after every text, such as `[CLS]` and `[SEP]`. */
  readonly special: { readonly before: number; readonly after: number }
  /** @throws AfieldError `input/invalid` for a text that it has no tokens for. */
  encode(text: string): Tokens
}

/** Makes the tokenizer of a model, and loads what that needs: never called where the graph takes the text itself. */
export type OpenTokenizer = (
  input: TokensText,
  assets: Assets,
  urls: CodeUrls,
) => Tokenizer | Promise<Tokenizer>

/** The code for texts. */
export function textCode(openTokenizer: OpenTokenizer): InputKindCode<TextInput> {
  return {
    schema: TextInputSchema,
    createEncoder: async (input, assets, urls = {}) =>
      input.form === 'string'
        ? stringEncoder(input)
        : tokensEncoder(input, await openTokenizer(input, assets, urls)),
  }
}

/**
 * Refuses what is no text that a graph or a tokenizer can read.
 *
 * @throws AfieldError `input/invalid` naming the field. The message never holds the text.
 */
function checkText(field: string, value: unknown, maxLength: number): string {
  if (value === undefined || value === null) throw invalidInput(field, 'missing', 'is missing')
  if (typeof value !== 'string') throw invalidInput(field, 'mistyped', 'takes a text')
  if (value.length > maxLength) {
    throw invalidInput(
      field,
      'too-large',
      `has ${value.length} characters, more than the ${maxLength} that it takes`,
    )
  }
  if (!isWellFormed(value)) {
    throw invalidInput(field, 'malformed', 'holds half a character (a lone UTF-16 surrogate) or a NUL')
  }
  return value
}

function readText({ maxLength, normalize }: TextInput, value: unknown): string {
  const text = checkText('text', value, maxLength)
  return normalize === 'none' ? text : text.normalize(normalize)
}

function stringEncoder(input: Extract<TextInput, { form: 'string' }>): InputEncoder<string> {
  return {
    prepare: (value) => readText(input, value),
    rows: () => 1,
    encode: (texts) => ({
      [input.tensor]: {
        dtype: 'string',
        dims: input.layout === 'n' ? [texts.length] : [texts.length, 1],
        data: texts,
      },
    }),
  }
}

/** @throws AfieldError `descriptor/invalid` when not even an empty text would fit. */
function tokensEncoder(input: TokensText, tokenizer: Tokenizer): InputEncoder<Tokens> {
  const { before, after } = tokenizer.special
  if (before + after >= input.maxTokens) {
    throw new AfieldError(
      'descriptor/invalid',
      `maxTokens is ${input.maxTokens}, and the tokenizer ${input.tokenizer} adds ${before + after} tokens to every text.`,
      { details: { file: input.tokenizer } },
    )
  }
  return {
    prepare(value) {
      const tokens = tokenizer.encode(readText(input, value))
      if (tokens.ids.length === 0)
        throw invalidInput('text', 'empty', 'holds nothing that the tokenizer makes a token of')
      return {
        ids: truncate(tokens.ids, input.maxTokens, after),
        typeIds: truncate(tokens.typeIds, input.maxTokens, after),
      }
    },
    rows: () => 1,
    // A short text beside a long one would be mostly padding.
    batchKey: ({ ids }) => (input.pad === 'max' ? '' : String(Math.ceil(Math.log2(ids.length)))),
    size: ({ ids }) => (input.pad === 'max' ? input.maxTokens : 2 * ids.length),
    encode: (batch) => encodeTokens(input, batch),
  }
}

/** Cuts the text's own last tokens off; those that the tokenizer sets after it stay, as in training. */
function truncate(values: readonly number[], max: number, after: number): readonly number[] {
  if (values.length <= max) return values
  return [...values.slice(0, max - after), ...values.slice(values.length - after)]
}

function encodeTokens(
  { tensors, dtype, maxTokens, pad, padId }: TokensText,
  batch: readonly Tokens[],
): Feeds {
  const width = pad === 'max' ? maxTokens : Math.max(0, ...batch.map(({ ids }) => ids.length))
  const tensor = (rows: readonly (readonly number[])[], filler: number): PlainTensor => {
    const length = rows.length * width
    const at = (i: number): number => rows[Math.floor(i / width)]?.[i % width] ?? filler
    return {
      dtype,
      dims: [rows.length, width],
      data:
        dtype === 'int64'
          ? BigInt64Array.from({ length }, (_, i) => BigInt(at(i)))
          : Int32Array.from({ length }, (_, i) => at(i)),
    }
  }
  const { ids, attentionMask: mask, tokenTypeIds: types } = tensors
  const idRows = batch.map((tokens) => tokens.ids)
  return {
    [ids]: tensor(idRows, padId),
    ...(mask === undefined
      ? {}
      : {
          [mask]: tensor(
            idRows.map((row) => row.map(() => 1)),
            0,
          ),
        }),
    ...(types === undefined
      ? {}
      : {
          [types]: tensor(
            batch.map(({ typeIds }) => typeIds),
            0,
          ),
        }),
  }
}
