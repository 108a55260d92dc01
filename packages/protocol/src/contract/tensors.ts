import * as v from 'valibot'
import { DescriptionSchema, TensorNameSchema, uniqueNames, wholeBetween } from './names.js'

/** What onnxruntime-web carries. */
export const DTYPES = [
  'float32',
  'float64',
  'float16',
  'int8',
  'int16',
  'int32',
  'int64',
  'uint8',
  'uint16',
  'uint32',
  'uint64',
  'bool',
  'string',
] as const
export type Dtype = (typeof DTYPES)[number]

/** −1 where the size is open. */
export const ShapeSchema = v.pipe(v.array(wholeBetween(-1, 2 ** 31 - 1)), v.maxLength(16))

const TensorSchema = v.object({
  /** What the graph calls it, and what the app calls it too. */
  name: TensorNameSchema,
  dtype: v.picklist(DTYPES),
  /** An open first dimension is the batch, by which predictions are answered together. */
  shape: ShapeSchema,
  description: DescriptionSchema,
  /**
   * State that the model carries from one call to the next: the graph output that gives the next value. Zeros to
   * begin with; an answer then has a `state`, which the next call takes.
   */
  state: v.optional(TensorNameSchema),
})
export type TensorInput = v.InferOutput<typeof TensorSchema>

/** Tensors as the graph takes them. */
export const TensorsInputSchema = v.pipe(
  v.object({
    kind: v.literal('tensors'),
    tensors: v.pipe(v.array(TensorSchema), v.minLength(1), v.maxLength(256)),
    /** False where an open first dimension is no batch but a length, such as that of a sequence. */
    batch: v.optional(v.boolean(), true),
  }),
  v.check(({ tensors }) => uniqueNames(tensors), 'two tensors have the same name'),
  v.check(
    ({ tensors }) =>
      tensors.every(({ state, dtype, shape }) => !state || (dtype !== 'string' && !shape.includes(-1))),
    'state is of numbers and of a fixed shape',
  ),
  v.check(({ tensors }) => tensors.some(({ state }) => !state), 'no tensor for the app to fill'),
)
export type TensorsInput = v.InferOutput<typeof TensorsInputSchema>
