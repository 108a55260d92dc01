import type { TensorData } from '../contract/outputs.js'
import type { Dtype } from '../contract/tensors.js'
import type { PlainTensor } from './encoder.js'
import { fromFloat16Bits, toFloat16Bits } from './float16.js'

/** What the elements of a tensor lie in on their way to a runtime: `float16` as its bits, `bool` as 0 and 1. */
export interface ArrayOf {
  readonly float32: Float32Array
  readonly float64: Float64Array
  readonly float16: Uint16Array
  readonly int8: Int8Array
  readonly int16: Int16Array
  readonly int32: Int32Array
  readonly int64: BigInt64Array
  readonly uint8: Uint8Array
  readonly uint16: Uint16Array
  readonly uint32: Uint32Array
  readonly uint64: BigUint64Array
  readonly bool: Uint8Array
  readonly string: string[]
}
export type FeedData = ArrayOf[Dtype]

/** Zeros, false, or empty texts. */
export function allocate<D extends Dtype>(dtype: D, length: number): ArrayOf[D]
export function allocate(dtype: Dtype, length: number): FeedData {
  return dtype === 'string' ? Array.from({ length }, () => '') : new ARRAYS[dtype](length)
}

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
} as const

export type ElementProblem = 'mistyped' | 'out-of-range' | 'malformed'

/** Tells what is wrong with an element that a tensor of this type could not hold without making it another one. */
export function elementCheck(dtype: Dtype): (value: unknown) => ElementProblem | undefined {
  switch (dtype) {
    case 'string':
      return (value) =>
        typeof value !== 'string' ? 'mistyped' : isWellFormed(value) ? undefined : 'malformed'
    case 'bool':
      return (value) => (typeof value === 'boolean' || value === 0 || value === 1 ? undefined : 'mistyped')
    case 'float64':
      return (value) => (typeof value === 'number' ? undefined : 'mistyped')
    case 'float32':
      return (value) => floatProblem(value, Math.fround)
    case 'float16':
      return (value) => floatProblem(value, (number) => fromFloat16Bits(toFloat16Bits(number)))
    default: {
      const [min, max] = rangeOf(dtype)
      return (value) => {
        if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) return 'mistyped'
        return (value as number) >= min && (value as number) <= max ? undefined : 'out-of-range'
      }
    }
  }
}

/** Puts elements that have no problem by {@link elementCheck} into an array for a runtime. */
export function fill(into: FeedData, dtype: Dtype, values: ArrayLike<unknown>, at = 0): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    if (Array.isArray(into)) into[at + i] = String(value)
    else if (into instanceof BigInt64Array || into instanceof BigUint64Array)
      into[at + i] = BigInt(value as number | bigint)
    else into[at + i] = dtype === 'float16' ? toFloat16Bits(Number(value)) : Number(value)
  }
}

/**
 * Takes a typed array as the elements of a tensor, without a copy where it has the form that runtimes take.
 *
 * @returns `undefined` where the array is of another type.
 */
export function fromTypedArray(dtype: Dtype, data: ArrayBufferView): FeedData | undefined {
  if (dtype === 'string') return undefined
  const name = Object.prototype.toString.call(data).slice(8, -1)
  if (data instanceof ARRAYS[dtype]) return data
  if (dtype === 'uint8' && data instanceof Uint8ClampedArray) {
    return new Uint8Array(data.buffer, data.byteOffset, data.length)
  }
  if (dtype !== 'float16') return undefined
  if (name === 'Float16Array') return new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2)
  return data instanceof Float32Array ? Uint16Array.from(data, toFloat16Bits) : undefined
}

/** A runtime's tensor with elements that JavaScript reads as what they are: `float16` becomes numbers. */
export function readable({ dtype, dims, data }: PlainTensor): PlainTensor {
  if (dtype !== 'float16' || data instanceof Float32Array) return { dtype, dims, data }
  const numbers =
    data instanceof Uint16Array
      ? Float32Array.from(data, fromFloat16Bits)
      : Float32Array.from(data as ArrayLike<number>)
  return { dtype, dims, data: numbers }
}

/** Some elements of a {@link readable} tensor, as an app gets them: its own copy where it is not all of them. */
export function slice({ data }: PlainTensor, start: number, end: number): TensorData {
  const whole = data as TensorData
  return start === 0 && end === whole.length ? whole : whole.slice(start, end)
}

export function sizeOf(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1)
}

/** Runtimes pass texts on as UTF-8 that ends at its first NUL, and in which half a surrogate pair has no place. */
export function isWellFormed(text: string): boolean {
  return !/\0|\p{Surrogate}/u.test(text)
}

function floatProblem(value: unknown, round: (value: number) => number): ElementProblem | undefined {
  if (typeof value !== 'number') return 'mistyped'
  return Number.isFinite(value) && !Number.isFinite(round(value)) ? 'out-of-range' : undefined
}

/** Such as −128n to 127n for `int8`. */
function rangeOf(dtype: Dtype): readonly [bigint, bigint] {
  const bits = BigInt(/\d+$/.exec(dtype)?.[0] ?? 0)
  return dtype.startsWith('u') ? [0n, 2n ** bits - 1n] : [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n]
}
