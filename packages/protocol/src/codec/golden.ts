import * as v from 'valibot'
import type { Input } from '../contract/contract.js'
import { ShapeSchema, type TensorInput } from '../contract/tensors.js'
import { finite, listOf, text, textOr } from '../primitives.js'
import type { StateTensors } from './encoder.js'
import { invalidInput } from './refuse.js'

const MAX_ELEMENTS = 500_000
const MAX_TEXT = 1024 * 1024

const LongTextSchema = text(0, MAX_TEXT)

type Element = number | string | boolean

const ScalarSchema = v.custom<Element>(
  (value) =>
    typeof value === 'boolean' ||
    (typeof value === 'string' ? value.length <= MAX_TEXT : Number.isFinite(value)),
  'not a finite number, a text or a boolean',
)

/** Checked here for being plain values and few enough; whether they fit a tensor's type is the codec's to say. */
const ElementsSchema = v.custom<readonly Element[]>(
  (value) =>
    Array.isArray(value) &&
    value.length <= MAX_ELEMENTS &&
    value.every((element) => ['number', 'string', 'boolean'].includes(typeof element)),
  'not a list of values',
)

/** Row by row; whole numbers that a double does not hold, as texts. */
const TensorSchema = v.object({ dims: ShapeSchema, data: ElementsSchema })
export type GoldenTensor = v.InferOutput<typeof TensorSchema>

/**
 * An input as JSON: a record; tensors by name as `{dims, data}`; an image as `{width, height, rgba}` in base64; audio
 * as `{sampleRate, samples}`, base64 of little-endian float32 or numbers; a text.
 */
const GoldenInputSchema = textOr(
  LongTextSchema,
  v.pipe(
    v.unknown(),
    // The schema of a record takes a list for one.
    v.check((value) => !Array.isArray(value), 'a list is no input'),
    v.record(
      v.string(),
      v.lazy((value) => {
        if (typeof value !== 'object' || value === null) return ScalarSchema
        return Array.isArray(value) ? ElementsSchema : TensorSchema
      }),
      'not a text or an object',
    ),
  ),
)
export type GoldenInput = v.InferOutput<typeof GoldenInputSchema>

const LabelSchema = v.object({ label: LongTextSchema, score: v.exactOptional(finite) })
const LabelsSchema = listOf(LabelSchema, 1, 1000)

/** What training says of one output; a text is a band, or a label whatever its score. */
const GoldenOutputSchema = v.lazy((value) => {
  if (typeof value !== 'object' || value === null) return ScalarSchema
  if (Array.isArray(value)) return LabelsSchema
  return 'label' in value ? LabelSchema : TensorSchema
})
export type GoldenOutput = v.InferOutput<typeof GoldenOutputSchema>

/** A golden vector: what training says the answer is. Only the outputs that it names are compared. */
export const GoldenVectorSchema = v.object({
  input: GoldenInputSchema,
  output: v.record(v.string(), GoldenOutputSchema),
})
export type GoldenVector = v.InferOutput<typeof GoldenVectorSchema>

export const SelfTestSchema = v.object({
  vectors: listOf(GoldenVectorSchema, 0, 200),
  /** An answer agrees when |answer − expected| ≤ absolute + relative × |expected|. */
  tolerance: v.object({ absolute: finite, relative: finite }),
  /**
   * What `publish` found when it replayed them; `skipped` is written down for everyone to see, and so is `recorded`:
   * the vectors are the model's own answers, which say nothing of what training meant.
   */
  replay: v.picklist(['passed', 'recorded', 'skipped']),
})
export type SelfTest = v.InferOutput<typeof SelfTestSchema>

/**
 * The input of a golden vector as an app would give it. Of a stateful model, it may name the tensors of the state too.
 *
 * @throws AfieldError `input/invalid`.
 */
export function fromGolden(
  input: Input,
  json: GoldenInput,
): { readonly value: unknown; readonly state?: StateTensors } {
  if (typeof json === 'string') return { value: json }
  if (input.kind === 'image') {
    const { rgba, ...rest } = json
    return { value: { ...rest, data: new Uint8ClampedArray(bytesOf('image', rgba)) } }
  }
  if (input.kind === 'audio') {
    const { samples, ...rest } = json
    return { value: { ...rest, samples: samplesOf(samples) } }
  }
  return input.kind === 'tensors' ? tensorsOf(input.tensors, json) : { value: json }
}

function tensorsOf(
  tensors: readonly TensorInput[],
  json: Exclude<GoldenInput, string>,
): { readonly value: unknown; readonly state?: StateTensors } {
  const given: Record<string, unknown> = {}
  const state: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(json)) {
    const tensor = tensors.find((one) => one.name === name)
    const into = tensor?.state === undefined ? given : state
    into[name] = tensor ? elementsOf(tensor, value) : value
  }
  return Object.keys(state).length > 0 ? { value: given, state: state as StateTensors } : { value: given }
}

/** JSON has no 64-bit integers and no NaN, so these come as texts. */
function elementsOf({ name, dtype }: TensorInput, value: unknown): unknown {
  if (dtype === 'string') return value
  if (Array.isArray(value)) return value.map((element) => elementOf(name, dtype, element))
  if (typeof value !== 'object' || value === null) return elementOf(name, dtype, value)
  return { ...value, data: (value as GoldenTensor).data.map((element) => elementOf(name, dtype, element)) }
}

function elementOf(name: string, dtype: string, element: unknown): unknown {
  if (typeof element !== 'string') return element
  if (dtype.endsWith('int64') && /^-?\d{1,20}$/.test(element)) return BigInt(element)
  if (dtype.startsWith('float') && /^(NaN|-?Infinity)$/.test(element)) return Number(element)
  throw invalidInput(name, 'mistyped', `has an element that is no ${dtype}`)
}

function samplesOf(samples: unknown): Float32Array {
  if (Array.isArray(samples) && samples.every((sample) => typeof sample === 'number')) {
    return Float32Array.from(samples)
  }
  const { buffer, byteLength } = bytesOf('audio', samples)
  if (byteLength % 4 !== 0) throw invalidInput('audio', 'malformed', 'ends within a sample')
  const view = new DataView(buffer)
  return Float32Array.from({ length: byteLength / 4 }, (_, i) => view.getFloat32(4 * i, true))
}

function bytesOf(field: string, base64: unknown): Uint8Array<ArrayBuffer> {
  if (typeof base64 === 'string' && /^[A-Za-z0-9+/]*={0,2}$/.test(base64) && base64.length % 4 === 0) {
    return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))
  }
  throw invalidInput(field, 'malformed', 'takes base64')
}
