import type { Contract, GoldenInput, GraphField, RecordInput, TensorsInput } from '@afield/protocol'
import { graphFields } from '@afield/protocol'

const GENERATED = 4
/** Larger tensors would make the descriptor larger than devices accept. */
const MAX_ELEMENTS = 20_000
const PICTURE_SIDE = 8

/**
 * Inputs for a contract without rows, always the same, in the form of golden vectors.
 *
 * @returns none where one would be too large to ship.
 */
export function generatedInputs({ input }: Contract): readonly GoldenInput[] {
  switch (input.kind) {
    case 'record':
      return Array.from({ length: GENERATED }, (_, i) => recordAt(input, i))
    case 'tensors':
      return tensorsAt(input)
    case 'image':
      return [picture()]
    case 'audio':
      return tone(input.sampleRate, input.samples ?? Math.round(input.sampleRate / 10))
    case 'text':
      return ['An example.', 'Another example, somewhat longer than the first.']
  }
}

function recordAt({ fields }: RecordInput, i: number): GoldenInput {
  return Object.fromEntries(graphFields(fields).map((field, at) => [field.name, valueAt(field, i, at)]))
}

/** Spread over the field's range, each field at its own place. */
function valueAt(field: GraphField, i: number, at: number): number | boolean | string {
  switch (field.type) {
    case 'boolean':
      return (i + at) % 2 === 1
    case 'enum':
      return field.values[(i + at) % field.values.length] ?? ''
    case 'text':
      return `example ${i + 1}`.slice(0, field.maxLength)
    case 'integer':
    case 'number': {
      const min = field.min ?? Math.min(0, field.max ?? 0)
      const max = field.max ?? Math.max(1, min + 1)
      const value = min + ((max - min) * ((i + at) % GENERATED)) / (GENERATED - 1)
      return field.type === 'integer' ? Math.round(value) : Number(value.toFixed(4))
    }
  }
}

function tensorsAt({ tensors }: TensorsInput): readonly GoldenInput[] {
  const filled = tensors.filter(({ state }) => state === undefined)
  const all = filled.map(({ name, dtype, shape }) => {
    const dims = shape.map((size) => (size < 0 ? 1 : size))
    const count = dims.reduce((product, size) => product * size, 1)
    return { name, dtype, dims, count }
  })
  if (all.reduce((sum, { count }) => sum + count, 0) > MAX_ELEMENTS) return []
  const value = (dtype: string, i: number): string | number => {
    if (dtype === 'string') return `example ${i + 1}`
    // Of whole numbers ones first: a mask of zeros alone leaves nothing to answer about.
    return dtype.startsWith('float') ? (i % 16) / 16 : (i + 1) % 2
  }
  const entries = all.map(({ name, dtype, dims, count }) => {
    return [name, { dims: [...dims], data: Array.from({ length: count }, (_, i) => value(dtype, i)) }]
  })
  return [Object.fromEntries(entries)]
}

/** A gradient, small: it is resized like any other picture. */
function picture(): GoldenInput {
  const rgba = Uint8Array.from({ length: PICTURE_SIDE * PICTURE_SIDE * 4 }, (_, i) => {
    const pixel = Math.floor(i / 4)
    const column = pixel % PICTURE_SIDE
    const row = Math.floor(pixel / PICTURE_SIDE)
    return [column * 32, row * 32, (column + row) * 16, 255][i % 4] ?? 0
  })
  return { width: PICTURE_SIDE, height: PICTURE_SIDE, rgba: Buffer.from(rgba).toString('base64') }
}

/** 440 Hz, as loud as speech. */
function tone(sampleRate: number, length: number): readonly GoldenInput[] {
  if (length > MAX_ELEMENTS) return []
  const sample = (i: number): number =>
    Number((0.3 * Math.sin((2 * Math.PI * 440 * i) / sampleRate)).toFixed(6))
  return [{ sampleRate, samples: Array.from({ length }, (_, i) => sample(i)) }]
}
