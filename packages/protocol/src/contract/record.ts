import * as v from 'valibot'
import { finite, listOf, shapeBy, text, textOr, wholeFrom } from '../primitives.js'
import { DescriptionSchema, NameSchema, TensorNameSchema, uniqueNames } from './names.js'

/** What to do when a field is absent: refuse the record, put a value in, or pass NaN to the graph. */
const MISSING = 'not "reject", "nan" or { "default": a number }'
const MissingSchema = textOr(v.picklist(['reject', 'nan'], MISSING), v.object({ default: finite }, MISSING))

/** Of a text, there is no NaN. */
const MISSING_TEXT = 'not "reject" or { "default": a text }'
const MissingTextSchema = textOr(
  v.literal('reject', MISSING_TEXT),
  v.object({ default: v.string() }, MISSING_TEXT),
)

const shared = {
  name: NameSchema,
  description: DescriptionSchema,
  /** The graph input that this field alone fills, as [N, 1]; left out when all fields share one tensor. */
  tensor: v.optional(TensorNameSchema),
}

export const RECORD_DTYPES = ['float32', 'float64', 'int32', 'int64'] as const
export type RecordDtype = (typeof RECORD_DTYPES)[number]
const DtypeSchema = v.picklist(RECORD_DTYPES)

const NumberFieldSchema = v.object({
  ...shared,
  type: v.picklist(['number', 'integer']),
  /** Of its own tensor, where that differs from the record's. */
  dtype: v.optional(DtypeSchema),
  min: v.optional(finite),
  max: v.optional(finite),
  unit: v.optional(text(0, 60)),
  missing: v.optional(MissingSchema, 'reject'),
})

const BooleanFieldSchema = v.object({
  ...shared,
  type: v.literal('boolean'),
  dtype: v.optional(v.picklist([...RECORD_DTYPES, 'bool'])),
  missing: v.optional(MissingSchema, 'reject'),
})

const EnumFieldSchema = v.object({
  ...shared,
  type: v.literal('enum'),
  /** A value is passed to the graph as its position in this list, or with `dtype: "string"` as it is. */
  values: listOf(text(0, 200), 1, 10_000),
  dtype: v.optional(v.picklist([...RECORD_DTYPES, 'string'])),
  missing: v.optional(MissingSchema, 'reject'),
})

const TextFieldSchema = v.object({
  ...shared,
  /** Free text, in a string tensor of its own. */
  type: v.literal('text'),
  maxLength: v.optional(wholeFrom(1, 100_000), 10_000),
  missing: v.optional(MissingTextSchema, 'reject'),
})

const IdFieldSchema = v.object({
  /** The app's own name for the record, a text or a number: given back with the answer and never shown to the graph. */
  type: v.literal('id'),
  name: NameSchema,
  description: DescriptionSchema,
  missing: v.optional(v.picklist(['reject', 'omit']), 'omit'),
})

const FieldSchema = shapeBy('type', {
  number: NumberFieldSchema,
  integer: NumberFieldSchema,
  boolean: BooleanFieldSchema,
  enum: EnumFieldSchema,
  text: TextFieldSchema,
  id: IdFieldSchema,
})
export type Field = v.InferOutput<typeof FieldSchema>

/** A field that the graph sees. */
export type GraphField = Exclude<Field, { type: 'id' }>

/** Named, typed, ranged or enumerated fields: one tensor for all, or one for each. */
export const RecordInputSchema = v.pipe(
  v.object({
    kind: v.literal('record'),
    /** The graph input that takes all fields as columns of [N, fields]. */
    tensor: v.optional(TensorNameSchema),
    dtype: v.optional(DtypeSchema, 'float32'),
    fields: listOf(FieldSchema, 1, 4096),
  }),
  v.check(({ fields }) => uniqueNames(fields), 'two fields have the same name'),
  v.check(({ fields }) => graphFields(fields).length > 0, 'no field for the graph'),
  v.check(
    ({ tensor, fields }) =>
      graphFields(fields).every((field) => (field.tensor === undefined) === (tensor !== undefined)),
    'either input.tensor takes all fields, or every field names its own tensor',
  ),
  v.check(({ fields }) => {
    const own = graphFields(fields).flatMap(({ tensor }) => tensor ?? [])
    return new Set(own).size === own.length
  }, 'two fields have the same tensor'),
  v.check(
    ({ tensor, fields }) =>
      tensor === undefined ||
      graphFields(fields).every((field) => field.type !== 'text' && field.dtype === undefined),
    'a text, or a field with a dtype of its own, needs a tensor of its own',
  ),
  v.check(
    ({ dtype, fields }) => graphFields(fields).every((field) => fitsInteger(field, dtype)),
    'an integer tensor takes no "number" field, no missing: "nan" and no fraction as a default',
  ),
)
export type RecordInput = v.InferOutput<typeof RecordInputSchema>

/** A record as the app writes it: field name to value. */
export type RecordValue = Readonly<Record<string, unknown>>

export function graphFields(fields: readonly Field[]): readonly GraphField[] {
  return fields.filter((field): field is GraphField => field.type !== 'id')
}

function fitsInteger(field: GraphField, dtype: RecordDtype): boolean {
  if (field.type === 'text') return true
  const own = field.dtype ?? dtype
  if (own.startsWith('float')) return true
  const { missing } = field
  const whole = typeof missing === 'string' ? missing === 'reject' : Number.isSafeInteger(missing.default)
  if (own === 'string' && field.type === 'enum' && typeof missing === 'object') {
    return field.values[missing.default] !== undefined
  }
  return field.type !== 'number' && whole
}
