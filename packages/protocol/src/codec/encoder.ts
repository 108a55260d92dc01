import type * as v from 'valibot'
import type { Input } from '../contract/contract.js'

/** A tensor without a runtime: what the engine hands to onnxruntime and takes from it. */
export interface PlainTensor {
  readonly dtype: string
  readonly dims: readonly number[]
  readonly data: ArrayLike<number | bigint | boolean | string>
}

/** The graph's inputs by name. */
export type Feeds = Readonly<Record<string, PlainTensor>>

/**
 * Turns inputs of one kind into what the graph takes, in two steps: each for itself, where a bad one is refused
 * without touching the others, then all together.
 *
 * @typeParam P what an input is between the steps: checked, decoded, and of numbers.
 */
export interface InputEncoder<P = unknown> {
  /** @throws AfieldError `input/invalid` with `details.field` and `details.problem`; the message never holds the value. */
  prepare(input: unknown): P | Promise<P>
  /** How many rows of the batch an input takes; most take one. */
  rows(prepared: P): number
  /** Tensors for all of them in their order, the batch dimension first. */
  encode(prepared: readonly P[]): Feeds
}

/** Files that came with the model, by path, such as a tokenizer. */
export type Assets = Readonly<Record<string, Uint8Array>>

/**
 * The code for one kind of input. An engine loads the kinds that few models take when the first such model arrives,
 * so that they cost nobody else a byte.
 */
export interface InputKindCode<I extends Input> {
  readonly schema: v.GenericSchema<unknown, I>
  /** @throws AfieldError `descriptor/invalid` when an asset is missing or not what it should be. */
  createEncoder(input: I, assets: Assets): InputEncoder | Promise<InputEncoder>
}
