import type { Dtype, RecordValue } from '@afield/protocol'

/** The typed arrays that hold a tensor of a type. Of `float16`, a `Uint16Array` is the bits, a `Float32Array` rounded. */
interface Arrays {
  readonly float32: Float32Array
  readonly float64: Float64Array
  readonly float16: Float32Array | Uint16Array
  readonly int8: Int8Array
  readonly int16: Int16Array
  readonly int32: Int32Array
  readonly int64: BigInt64Array
  readonly uint8: Uint8Array | Uint8ClampedArray
  readonly uint16: Uint16Array
  readonly uint32: Uint32Array
  readonly uint64: BigUint64Array
  readonly bool: Uint8Array
  readonly string: never
}

/** One element of a tensor of a type. */
type Element<D extends Dtype> = D extends 'string'
  ? string
  : D extends 'bool'
    ? boolean | 0 | 1
    : D extends 'int64' | 'uint64'
      ? number | bigint
      : number

type Nested<E> = readonly (E | Nested<E>)[]

/**
 * A tensor as an app gives it: typed, as arrays of arrays, or one value alone. Where `dims` are left out, they follow
 * from the contract's shape.
 *
 * @typeParam D the type of its elements, as ONNX calls it.
 */
export type TensorLike<D extends Dtype = Dtype> =
  | {
      readonly dtype?: D
      readonly dims?: readonly number[]
      readonly data: Arrays[D] | Nested<Element<D>>
    }
  | Arrays[D]
  | Nested<Element<D>>
  | Element<D>

/** What a model that takes images takes. */
export type ImageLike =
  | ImageBitmap
  | ImageData
  | HTMLImageElement
  | HTMLCanvasElement
  | HTMLVideoElement
  | OffscreenCanvas
  | VideoFrame
  | Blob

/** What a model that takes audio takes; bare samples are taken to be at the contract's rate. */
export type AudioLike =
  | AudioBuffer
  | { readonly samples: Float32Array | readonly Float32Array[]; readonly sampleRate: number }
  | Float32Array

/** An input, by the kind of the model's contract: a record; tensors by name, or a lone one; an image; audio; a text. */
export type ModelInput =
  RecordValue | Readonly<Record<string, TensorLike>> | TensorLike | ImageLike | AudioLike | string
