import type * as v from 'valibot'
import type { Input } from '../contract/contract.js'
import type { Outputs, TensorValue } from '../contract/outputs.js'

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
  prepare(input: unknown, state?: StateTensors): P | Promise<P>
  /** How many rows of the batch an input takes; most take one. */
  rows(prepared: P): number
  /** Tensors for all of them in their order, the batch dimension first. */
  encode(prepared: readonly P[]): Feeds
  /**
   * Inputs with the same key may share a run; an input without one runs alone. Left out where all may share one.
   */
  batchKey?(prepared: P): string | undefined
  /** Elements that an input takes in the graph's inputs: a run is kept to a size. Left out where they are few. */
  size?(prepared: P): number
  /** What of an input goes straight into its answer, such as its ids. */
  passThrough?(prepared: P): Outputs | undefined
  /** The state that a run left; left out where the model carries none. */
  nextState?(results: Feeds): StateTensors
}

/** State of a model between two calls, by the names of the graph's inputs. */
export type StateTensors = Readonly<Record<string, TensorValue>>

/** Files that came with the model, by path, such as a tokenizer. */
export type Assets = Readonly<Record<string, Uint8Array>>

/** Where further code of a kind is, by name, such as the tokenizer's: for kinds that load it only for some models. */
export type CodeUrls = Readonly<Record<string, string>>

/**
 * The code for one kind of input. An engine loads the kinds that few models take when the first such model arrives,
 * so that they cost nobody else a byte.
 */
export interface InputKindCode<I extends Input> {
  readonly schema: v.GenericSchema<unknown, I>
  /** @throws AfieldError `descriptor/invalid` when an asset is missing or not what it should be. */
  createEncoder(input: I, assets: Assets, urls?: CodeUrls): InputEncoder | Promise<InputEncoder>
}
