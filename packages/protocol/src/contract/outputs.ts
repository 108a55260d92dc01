import * as v from 'valibot'
import { finite, listOf, shapeBy, text, wholeFrom } from '../primitives.js'
import { DescriptionSchema, NameSchema, TensorNameSchema, uniqueNames } from './names.js'

const shared = { name: NameSchema, description: DescriptionSchema }

const labels = listOf(text(0, 200), 1, 100_000)

/** Turns a graph's scores into shares: over all classes, or each for itself. */
const ActivationSchema = v.optional(v.picklist(['none', 'softmax', 'sigmoid']), 'none')

const ValueSchema = v.object({
  ...shared,
  kind: v.literal('value'),
  tensor: TensorNameSchema,
  /** Which column of [N, columns]; 0 for [N] and [N, 1]. */
  column: v.optional(wholeFrom(0, 2 ** 31 - 1), 0),
  min: v.optional(finite),
  max: v.optional(finite),
})

/** The class with the highest score, and that score. */
const LabelSchema = v.object({
  ...shared,
  kind: v.literal('label'),
  /** Scores [N, classes]; or, where they come from elsewhere, the class itself: its position or its text, as [N]. */
  tensor: TensorNameSchema,
  /** Scores [N, classes] of a graph that says its class itself. */
  scores: v.optional(TensorNameSchema),
  /** In the order of the scores; left out where the graph gives texts. */
  labels: v.optional(labels),
  activation: ActivationSchema,
})

const TopKSchema = v.object({
  ...shared,
  kind: v.literal('top-k'),
  /** Scores [N, classes]. */
  tensor: TensorNameSchema,
  labels,
  k: wholeFrom(1, 1000),
  activation: ActivationSchema,
})

const DecisionSchema = v.object({
  ...shared,
  kind: v.literal('decision'),
  /** The value output that is compared. */
  of: NameSchema,
  /** True at this value and above. */
  threshold: finite,
})

/** A word for a range, such as `risk_level: "high"`. */
const BandSchema = v.pipe(
  v.object({
    ...shared,
    kind: v.literal('band'),
    /** The value output that is sorted into bands. */
    of: NameSchema,
    /** Ascending; a value belongs to the last band whose `from` it reaches. The first band has none. */
    bands: listOf(v.object({ label: text(0, 200), from: v.optional(finite) }), 2, 100),
  }),
  v.check(
    ({ bands }) =>
      bands.every(({ from }, i) => {
        const before = bands[i - 1]?.from
        return i === 0 ? from === undefined : from !== undefined && (before === undefined || from > before)
      }),
    'bands rise from one without `from`',
  ),
)

/** A tensor as the graph gives it. */
const TensorSchema = v.object({ ...shared, kind: v.literal('tensor'), tensor: TensorNameSchema })

export const OutputSchema = shapeBy('kind', {
  value: ValueSchema,
  label: LabelSchema,
  'top-k': TopKSchema,
  decision: DecisionSchema,
  band: BandSchema,
  tensor: TensorSchema,
})
export type Output = v.InferOutput<typeof OutputSchema>

export const OutputsSchema = v.pipe(
  listOf(OutputSchema, 1, 1024),
  v.check((outputs) => uniqueNames(outputs), 'two outputs have the same name'),
  v.check(
    (outputs) =>
      outputs.every(
        (output) =>
          !('of' in output) || outputs.some(({ kind, name }) => kind === 'value' && name === output.of),
      ),
    'a decision or a band names no value output',
  ),
)

export interface ScoredLabel {
  readonly label: string
  readonly score: number
}

/** A tensor in an answer. */
export interface TensorValue {
  readonly dtype: string
  readonly dims: readonly number[]
  readonly data: TensorData
}

export type TensorData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | readonly string[]
  | readonly boolean[]

export type OutputValue = number | boolean | string | ScoredLabel | readonly ScoredLabel[] | TensorValue

/** An answer as the app reads it: output name to value, and the record's ids. */
export type Outputs = Readonly<Record<string, OutputValue>>
