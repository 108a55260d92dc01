import * as v from 'valibot'
import { finite, listOf, text, whole } from './primitives.js'
import { parseWith } from './parse.js'

/**
 * The contract: what a model takes and gives, in the words of the app rather than of the graph. One and the same
 * contract travels from training to the device.
 */

const name = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'a name of letters, digits and _'),
  // What JavaScript and the schema library do with these would lose a value in silence.
  v.notValues(['__proto__', 'constructor', 'prototype'], 'this name is not free in JavaScript'),
)
const tensorName = text(1, 256)

/** What to do when a field is absent: refuse the record, put a value in, or pass NaN to the graph. */
const MissingSchema = v.union([v.literal('reject'), v.literal('nan'), v.object({ default: finite })])

const shared = {
  name,
  description: v.optional(text(0, 500)),
  /** The graph input that this field alone fills, as [N, 1]; left out when all fields share one tensor. */
  tensor: v.optional(tensorName),
}

const FieldSchema = v.variant('type', [
  v.object({
    ...shared,
    type: v.picklist(['number', 'integer']),
    min: v.optional(finite),
    max: v.optional(finite),
    unit: v.optional(text(0, 60)),
    missing: v.optional(MissingSchema, 'reject'),
  }),
  v.object({ ...shared, type: v.literal('boolean'), missing: v.optional(MissingSchema, 'reject') }),
  v.object({
    ...shared,
    type: v.literal('enum'),
    /** A value is passed to the graph as its position in this list. */
    values: listOf(text(0, 200), 1, 10_000),
    missing: v.optional(MissingSchema, 'reject'),
  }),
])
export type Field = v.InferOutput<typeof FieldSchema>

export const RECORD_DTYPES = ['float32', 'float64', 'int32', 'int64'] as const

const RecordInputSchema = v.object({
  kind: v.literal('record'),
  /** The graph input that takes all fields as columns of [N, fields]. */
  tensor: v.optional(tensorName),
  dtype: v.optional(v.picklist(RECORD_DTYPES), 'float32'),
  fields: listOf(FieldSchema, 1, 4096),
})
export type RecordInput = v.InferOutput<typeof RecordInputSchema>

const OutputSchema = v.variant('kind', [
  v.object({
    kind: v.literal('value'),
    name,
    tensor: tensorName,
    /** Which column of [N, columns]; 0 for [N] and [N, 1]. */
    column: v.optional(whole, 0),
    min: v.optional(finite),
    max: v.optional(finite),
    description: v.optional(text(0, 500)),
  }),
  v.object({
    kind: v.literal('decision'),
    name,
    /** The value output that is compared. */
    of: name,
    /** True at this value and above. */
    threshold: finite,
    description: v.optional(text(0, 500)),
  }),
])
export type Output = v.InferOutput<typeof OutputSchema>

export const ContractSchema = v.pipe(
  v.object({
    input: RecordInputSchema,
    outputs: listOf(OutputSchema, 1, 1024),
  }),
  v.check(({ input }) => unique(input.fields), 'two fields have the same name'),
  v.check(({ outputs }) => unique(outputs), 'two outputs have the same name'),
  v.check(
    ({ input }) =>
      input.fields.every((field) => (field.tensor === undefined) === (input.tensor !== undefined)),
    'either input.tensor takes all fields, or every field names its own tensor',
  ),
  v.check(
    ({ input }) => !input.dtype.startsWith('int') || input.fields.every(fitsInteger),
    'an integer tensor takes no "number" field, no missing: "nan" and no fraction as a default',
  ),
  v.check(
    ({ outputs }) =>
      outputs.every(
        (output) =>
          output.kind !== 'decision' || outputs.some((o) => o.kind === 'value' && o.name === output.of),
      ),
    'a decision names no value output',
  ),
)
export type Contract = v.InferOutput<typeof ContractSchema>

/**
 * Parses the contract of a descriptor.
 *
 * @throws AfieldError `descriptor/invalid`.
 */
export function parseContract(value: unknown): Contract {
  return parseWith(ContractSchema, value, 'descriptor/invalid', 'The contract')
}

/** A record as the app writes it: field name to value. */
export type RecordValue = Readonly<Record<string, unknown>>

/** An answer as the app reads it: output name to value. */
export type Outputs = Readonly<Record<string, number | boolean>>

function fitsInteger({ type, missing }: Field): boolean {
  const whole = typeof missing === 'string' ? missing === 'reject' : Number.isSafeInteger(missing.default)
  return type !== 'number' && whole
}

function unique(items: readonly { readonly name: string }[]): boolean {
  return new Set(items.map((item) => item.name)).size === items.length
}
