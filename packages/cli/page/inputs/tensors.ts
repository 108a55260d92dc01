import type { TensorInput, TensorsInput } from '@afield/protocol'
import { h } from '../dom.js'
import { labelled } from './field.js'
import type { InputView } from './input-view.js'

type Scalar = number | string | boolean
type Nested = Scalar | readonly Nested[]

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
} as const

/** JSON for each tensor: nested lists, or one flat list where the shape is known. */
export function tensorsInput({ tensors }: TensorsInput): InputView {
  const views = tensors
    .filter(({ state }) => state === undefined)
    .map((tensor) => {
      const example = JSON.stringify(exampleOf(tensor))
      const control = h('textarea', { class: 'code', rows: example.length > 80 ? 4 : 2, spellcheck: 'false' })
      control.value = example
      const shape = tensor.shape.map((size) => (size < 0 ? '?' : size)).join(', ')
      const hint = `${tensor.dtype}[${shape}] as JSON${tensor.description === undefined ? '' : ` · ${tensor.description}`}`
      return { tensor, control, label: labelled(control, tensor.name, hint) }
    })
  return {
    element: h('div', {}, ...views.map(({ label }) => label.element)),
    invitation: () =>
      views.some(({ control }) => control.value === '[]')
        ? 'Paste the numbers of each tensor as JSON, then press Predict.'
        : undefined,
    read: () =>
      Object.fromEntries(views.map(({ tensor, control }) => [tensor.name, parse(tensor, control.value)])),
    show(example) {
      for (const { tensor, control } of views) {
        const given = (example as Readonly<Record<string, { readonly data?: unknown }>>)[tensor.name]
        if (given) control.value = JSON.stringify(given.data ?? given)
      }
    },
    keep: () => Object.fromEntries(views.map(({ tensor, control }) => [tensor.name, control.value])),
    restore(kept) {
      for (const { tensor, control } of views) {
        control.value = (kept as Readonly<Record<string, string>>)[tensor.name] ?? control.value
      }
    },
    complain(problem) {
      for (const { tensor, label } of views) {
        label.complain(tensor.name === problem?.field ? problem.message : undefined)
      }
      return views.some(({ tensor }) => tensor.name === problem?.field)
    },
  }
}

function exampleOf({ dtype, shape }: TensorInput): Nested {
  const value: Scalar = dtype === 'string' ? '' : dtype === 'bool' ? false : 0
  const sizes = shape.map((size) => (size < 0 ? 1 : size))
  const large = sizes.reduce((product, size) => product * size, 1) > 4096
  if (large) return []
  return sizes.reduceRight<Nested>((inner, size) => Array.from({ length: size }, () => inner), value)
}

function parse({ name, dtype, shape }: TensorInput, text: string): unknown {
  let nested: Nested
  try {
    nested = JSON.parse(text) as Nested
  } catch (cause) {
    throw new Error(`"${name}" is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
  }
  const flat = (Array.isArray(nested) ? nested.flat(Infinity) : [nested]) as Scalar[]
  const dims =
    Array.isArray(nested) && Array.isArray(nested[0]) ? dimsOf(nested) : dimsFor(shape, flat.length)
  if (dtype === 'string' || dtype === 'bool') return { dtype, dims, data: flat }
  if (dtype === 'int64') return { dtype, dims, data: BigInt64Array.from(flat, BigInt) }
  if (dtype === 'uint64') return { dtype, dims, data: BigUint64Array.from(flat, BigInt) }
  // The engine packs halves itself.
  if (dtype === 'float16') return flat
  return { dtype, dims, data: ARRAYS[dtype].from(flat.map(Number)) }
}

function dimsOf(nested: Nested): readonly number[] {
  return Array.isArray(nested) ? [nested.length, ...dimsOf(nested[0] as Nested)] : []
}

/** A flat list, its one open dimension worked out. */
function dimsFor(shape: readonly number[], length: number): readonly number[] {
  const known = shape.filter((size) => size >= 0).reduce((product, size) => product * size, 1)
  const open = shape.filter((size) => size < 0).length
  return shape.map((size) => (size >= 0 ? size : open === 1 ? length / (known || 1) : 1))
}
