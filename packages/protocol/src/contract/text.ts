import * as v from 'valibot'
import { shapeBy, text, wholeFrom } from '../primitives.js'
import { DescriptionSchema, TensorNameSchema } from './names.js'

const shared = {
  kind: v.literal('text'),
  /** In UTF-16 units, as JavaScript counts; a longer text is refused. */
  maxLength: v.optional(wholeFrom(1, 1_000_000), 10_000),
  /** The Unicode form that training saw. */
  normalize: v.optional(v.picklist(['none', 'NFC', 'NFKC']), 'none'),
  description: DescriptionSchema,
}

/** Text for a graph that cuts it up itself. */
const StringTextSchema = v.object({
  ...shared,
  form: v.literal('string'),
  tensor: TensorNameSchema,
  /** [N], or [N, 1]. */
  layout: v.optional(v.picklist(['n', 'n1']), 'n'),
})

/** Text that a tokenizer, shipped with the model, turns into numbers. */
const TokensTextSchema = v.object({
  ...shared,
  form: v.literal('tokens'),
  /** Path of the asset, a Hugging Face `tokenizer.json`. */
  tokenizer: text(1, 300),
  /** Path of the asset `tokenizer_config.json`, where the model has one. */
  tokenizerConfig: v.optional(text(1, 300)),
  /** Each as [N, tokens]. */
  tensors: v.object({
    ids: TensorNameSchema,
    attentionMask: v.optional(TensorNameSchema),
    tokenTypeIds: v.optional(TensorNameSchema),
  }),
  dtype: v.optional(v.picklist(['int64', 'int32']), 'int64'),
  /** More tokens are cut off, special tokens at the end kept. */
  maxTokens: wholeFrom(1, 100_000),
  /** `longest`: to the longest text that is answered with it; `max`: always to `maxTokens`. */
  pad: v.optional(v.picklist(['longest', 'max']), 'longest'),
  padId: v.optional(wholeFrom(0, 2 ** 31 - 1), 0),
})

export const TextInputSchema = shapeBy('form', { string: StringTextSchema, tokens: TokensTextSchema })
export type TextInput = v.InferOutput<typeof TextInputSchema>
export type TokensText = v.InferOutput<typeof TokensTextSchema>
