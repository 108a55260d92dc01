import type { Dtype } from '../contract/tensors.js'
import type { PlainTensor } from './encoder.js'
import { invalidInput } from './refuse.js'
import { allocate, elementCheck, fill, fromTypedArray, sizeOf } from './tensor.js'

/** A tensor as a contract wants it; −1 where its size is open. */
export interface WantedTensor {
  readonly name: string
  readonly dtype: Dtype
  readonly shape: readonly number[]
}

/** A list may hold itself, so its depth is bounded. */
const MAX_DIMENSIONS = 16

interface Found {
  /** Left out where they follow from the shape. */
  readonly dims: readonly number[] | undefined
  readonly data: unknown
}

/**
 * Reads what an app gives as a tensor: `{dims, data}`, a typed array, an array of arrays, or one value alone.
 *
 * @throws AfieldError `input/invalid` naming the tensor, with `details.problem` `mistyped`, `dtype`, `shape`,
 *   `out-of-range` or `malformed`.
 */
export function readTensor(wanted: WantedTensor, value: unknown): PlainTensor {
  const { name, dtype } = wanted
  const { dims: given, data } = unwrap(wanted, value)
  if (ArrayBuffer.isView(data)) {
    const elements = fromTypedArray(dtype, data)
    if (!elements) throw invalidInput(name, 'dtype', `takes ${dtype}, and got an array of another type`)
    const rounded = dtype === 'float16' && data instanceof Float32Array
    if (rounded || dtype === 'bool') checkElements(wanted, data as Float32Array | Uint8Array)
    return { dtype, dims: dimsOf(wanted, given, elements.length), data: elements }
  }
  const list: readonly unknown[] = Array.isArray(data) ? data : [data]
  const nested = nestedDims(name, list)
  const values = nested.length > 1 ? list.flat(nested.length - 1) : list
  const dims = dimsOf(wanted, given ?? asDims(wanted.shape, nested), values.length)
  checkElements(wanted, values)
  const elements = allocate(dtype, values.length)
  fill(elements, dtype, values)
  return { dtype, dims, data: elements }
}

/** `[?, 512]` */
export function describeShape(shape: readonly number[]): string {
  return `[${shape.map((dim) => (dim < 0 ? '?' : dim)).join(', ')}]`
}

function unwrap({ name, dtype }: WantedTensor, value: unknown): Found {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) {
    return { dims: undefined, data: value }
  }
  const { dims, data, dtype: own } = value as { dims?: unknown; data?: unknown; dtype?: unknown }
  if (!Array.isArray(data) && !ArrayBuffer.isView(data)) {
    throw invalidInput(name, 'mistyped', 'takes { dims, data }, a typed array or an array of numbers')
  }
  if (own !== undefined && own !== dtype) throw invalidInput(name, 'dtype', `takes ${dtype}`)
  if (dims === undefined) return { dims, data }
  if (Array.isArray(dims) && dims.every((dim) => Number.isSafeInteger(dim) && dim >= 0)) return { dims, data }
  throw invalidInput(name, 'shape', 'takes dims that are whole numbers from 0')
}

function checkElements({ name, dtype }: WantedTensor, values: ArrayLike<unknown>): void {
  const check = elementCheck(dtype)
  for (let i = 0; i < values.length; i++) {
    const problem = check(values[i])
    if (problem === 'out-of-range')
      throw invalidInput(name, problem, `has an element that ${dtype} cannot hold`)
    if (problem) throw invalidInput(name, problem, `has an element that is no ${dtype}`)
  }
}

/** A plain list has the dims that follow from the shape, and one sample needs no batch around it. */
function asDims(shape: readonly number[], nested: readonly number[]): readonly number[] | undefined {
  if (nested.length < 2) return undefined
  const [first] = shape
  return nested.length === shape.length - 1 && (first === -1 || first === 1) ? [1, ...nested] : nested
}

function nestedDims(name: string, list: readonly unknown[], depth = 1): readonly number[] {
  const inner = list.filter((item) => Array.isArray(item))
  if (inner.length === 0) return [list.length]
  const all = depth < MAX_DIMENSIONS ? inner.map((item) => nestedDims(name, item, depth + 1)) : []
  const [first] = all
  if (first && all.length === list.length && all.every((dims) => String(dims) === String(first))) {
    return [list.length, ...first]
  }
  throw invalidInput(name, 'shape', 'takes arrays of the same length at each depth')
}

function dimsOf(wanted: WantedTensor, given: readonly number[] | undefined, length: number): number[] {
  const { name, shape } = wanted
  const dims = given ?? impliedDims(shape, length)
  if (!dims) throw invalidInput(name, 'shape', `takes ${describeShape(shape)}; say its dims`)
  const fits = dims.length === shape.length && shape.every((size, i) => size === -1 || size === dims[i])
  if (!fits)
    throw invalidInput(name, 'shape', `takes ${describeShape(shape)}, and got ${describeShape(dims)}`)
  if (sizeOf(dims) === length) return [...dims]
  throw invalidInput(
    name,
    'shape',
    `takes ${describeShape(dims)}, that is ${sizeOf(dims)} elements, and got ${length}`,
  )
}

/** Where one size is open, it follows from the number of elements; of two, the first is the batch and one sample. */
function impliedDims(shape: readonly number[], length: number): readonly number[] | undefined {
  const open = shape.flatMap((size, i) => (size === -1 ? [i] : []))
  if (open.length === 2 && open[0] === 0) return impliedDims([1, ...shape.slice(1)], length)
  const [at] = open
  if (at === undefined) return shape
  if (open.length > 1) return undefined
  const fixed = -sizeOf(shape)
  return shape.map((size, i) => (i === at ? Math.floor(length / (fixed || 1)) : size))
}
