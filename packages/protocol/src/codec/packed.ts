import type { Contract } from '../contract/contract.js'
import type { TensorData } from '../contract/outputs.js'
import { AfieldError } from '../errors.js'
import type { Feeds } from './encoder.js'
import { sizeOf } from './tensor.js'
import { isBatch } from './tensors.js'

/** Which inputs may travel packed: arrays of `float32`, a whole number of rows each. */
export interface PackedInput {
  /** The one tensor that the app fills. */
  readonly name: string
  /** Elements of a row. */
  readonly rowSize: number
}

/** One tensor of many answers. */
export interface PackedTensor {
  readonly name: string
  readonly dtype: string
  /** Of each answer. */
  readonly dims: readonly number[]
  readonly data: PackedData
}

/** What is sliced into answers. */
export type PackedData = Exclude<TensorData, readonly string[] | readonly boolean[]>

/**
 * The fast way of a model that takes one tensor of `float32` by rows and gives tensors: many inputs are one array from
 * the page to the graph, and so are their answers on the way back. Nothing is done for each of them.
 */
export class PackedCodec {
  readonly input: PackedInput
  readonly #rest: readonly number[]
  readonly #outputs: readonly { readonly name: string; readonly tensor: string }[]

  private constructor(
    input: PackedInput,
    rest: readonly number[],
    outputs: readonly { readonly name: string; readonly tensor: string }[],
  ) {
    this.input = input
    this.#rest = rest
    this.#outputs = outputs
  }

  /** @returns `undefined` for a contract that asks for more. */
  static of({ input, outputs }: Contract): PackedCodec | undefined {
    if (input.kind !== 'tensors' || !isBatch(input) || input.tensors.length !== 1) return undefined
    const [tensor] = input.tensors
    if (tensor?.dtype !== 'float32') return undefined
    const rest = tensor.shape.slice(1)
    const rowSize = sizeOf(rest)
    if (rowSize < 1 || rest.includes(-1)) return undefined
    const tensors = outputs.flatMap((output) => (output.kind === 'tensor' ? [output] : []))
    if (tensors.length !== outputs.length) return undefined
    return new PackedCodec({ name: tensor.name, rowSize }, rest, tensors)
  }

  /** @param data a whole number of rows. */
  encode(data: Float32Array): Feeds {
    const { name, rowSize } = this.input
    return { [name]: { dtype: 'float32', dims: [data.length / rowSize, ...this.#rest], data } }
  }

  /**
   * @param rows of the run.
   * @param count answers that they make up, each of as many rows.
   * @throws AfieldError `engine/run-failed` where the graph gave something else than the contract says.
   */
  decode(results: Feeds, rows: number, count: number): readonly PackedTensor[] {
    return this.#outputs.map(({ name, tensor }) => {
      const result = results[tensor]
      if (result && result.dims[0] === rows && ArrayBuffer.isView(result.data)) {
        const { dtype, dims, data } = result
        return { name, dtype, dims: [rows / count, ...dims.slice(1)], data: data as PackedData }
      }
      throw new AfieldError('engine/run-failed', `The model gave no "${tensor}" of ${rows} rows.`, {
        details: { output: name },
      })
    })
  }
}
