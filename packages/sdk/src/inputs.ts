import type { Dtype, RecordValue } from '@afield/protocol'

/** A picture as a page has it. A `Blob` or `File` is decoded on the way, off the page's thread. */
export type ImageSource =
  | ImageBitmap
  | HTMLCanvasElement
  | OffscreenCanvas
  | HTMLVideoElement
  | VideoFrame
  | HTMLImageElement
  | ImageData
  | Blob

/**
 * A recording: samples from −1 to 1, several channels as several arrays. A bare `Float32Array` is taken to be at the
 * rate that the model's contract names.
 */
export type AudioSource =
  | AudioBuffer
  | {
      readonly samples: Float32Array | readonly Float32Array[]
      /** Samples a second. */
      readonly sampleRate: number
    }
  | Float32Array

type Signed = Float32Array | Float64Array | Int8Array | Int16Array | Int32Array
type Unsigned = Uint8Array | Uint16Array | Uint32Array

/** What holds the elements of a tensor, by its type. */
interface Elements {
  readonly float32: Float32Array
  readonly float64: Float64Array
  /** Numbers, or the 16 bits of each. */
  readonly float16: Float32Array | Uint16Array
  readonly int8: Int8Array
  readonly int16: Int16Array
  readonly int32: Int32Array
  readonly int64: BigInt64Array | readonly bigint[]
  readonly uint8: Uint8Array
  readonly uint16: Uint16Array
  readonly uint32: Uint32Array
  readonly uint64: BigUint64Array | readonly bigint[]
  readonly bool: Uint8Array | readonly boolean[]
  readonly string: readonly string[]
}

type ElementsOf<D extends Dtype> = Elements[D] extends Signed | Unsigned
  ? Elements[D] | readonly number[]
  : Elements[D]

/**
 * A tensor as an app gives it: its elements in row-major order, and its dimensions where the contract leaves more than
 * one of them open.
 */
export type TensorLike<D extends Dtype = Dtype> =
  ElementsOf<D> | { readonly dtype?: D; readonly dims: readonly number[]; readonly data: ElementsOf<D> }

/** What `predict()` takes of a model whose contract TypeScript does not know. */
export type AnyInput = RecordValue | ImageSource | AudioSource | TensorLike | string
