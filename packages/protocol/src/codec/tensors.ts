import { TensorsInputSchema, type TensorInput, type TensorsInput } from '../contract/tensors.js'
import { AfieldError } from '../errors.js'
import type { Feeds, InputEncoder, InputKindCode, PlainTensor, StateTensors } from './encoder.js'
import { describeShape, readTensor } from './read-tensor.js'
import { invalidInput, unknownName } from './refuse.js'
import { allocate, fill, readable, sizeOf, slice, type FeedData } from './tensor.js'

interface PreparedTensors {
  readonly feeds: Feeds
  readonly rows: number
}

/** Tensors as the graph takes them, by its names for them. */
export const tensorsKind: InputKindCode<TensorsInput> = {
  schema: TensorsInputSchema,
  createEncoder: (input) =>
    input.tensors.some(({ state }) => state !== undefined)
      ? new StatefulEncoder(input)
      : new TensorsEncoder(input),
}

/** Whether the first dimension of every tensor is the rows of a batch. */
export function isBatch({ tensors, batch }: TensorsInput): boolean {
  return batch && tensors.every(({ shape, state }) => shape[0] === -1 && state === undefined)
}

class TensorsEncoder implements InputEncoder<PreparedTensors> {
  protected readonly given: readonly TensorInput[]
  readonly #batched: boolean

  constructor(input: TensorsInput) {
    this.given = input.tensors.filter(({ state }) => state === undefined)
    this.#batched = isBatch(input)
  }

  prepare(input: unknown, _state?: StateTensors): PreparedTensors {
    const values = byName(this.given, input)
    const feeds: Record<string, PlainTensor> = {}
    let rows: number | undefined
    for (const tensor of this.given) {
      const { name } = tensor
      const value = values(name)
      if (value === undefined || value === null) throw invalidInput(name, 'missing', 'is missing')
      const read = readTensor(tensor, value)
      feeds[name] = read
      if (!this.#batched) continue
      const [count] = read.dims
      if (count === 0) throw invalidInput(name, 'empty', 'has no row')
      rows ??= count
      if (count !== rows)
        throw invalidInput(name, 'shape', 'has another number of rows than the tensor before')
    }
    return { feeds, rows: rows ?? 1 }
  }

  rows({ rows }: PreparedTensors): number {
    return rows
  }

  batchKey({ feeds }: PreparedTensors): string | undefined {
    return this.#batched
      ? Object.values(feeds)
          .map(({ dims }) => dims.slice(1).join('×'))
          .join()
      : undefined
  }

  size({ feeds }: PreparedTensors): number {
    return Object.values(feeds).reduce((sum, { data }) => sum + data.length, 0)
  }

  encode(prepared: readonly PreparedTensors[]): Feeds {
    const [first] = prepared
    if (!first || prepared.length === 1) return first?.feeds ?? {}
    return Object.fromEntries(this.given.map((tensor) => [tensor.name, joinRows(tensor, prepared)] as const))
  }
}

/** Tensors and a state, which is of one caller: nothing is answered together. */
class StatefulEncoder extends TensorsEncoder {
  readonly #carried: readonly TensorInput[]

  constructor(input: TensorsInput) {
    super(input)
    this.#carried = input.tensors.filter(({ state }) => state !== undefined)
  }

  override prepare(input: unknown, state?: StateTensors): PreparedTensors {
    const { feeds, rows } = super.prepare(input)
    const carried = this.#carried.map((tensor) => [tensor.name, readState(tensor, state)] as const)
    return { feeds: { ...feeds, ...Object.fromEntries(carried) }, rows }
  }

  nextState(results: Feeds): StateTensors {
    return Object.fromEntries(
      this.#carried.map(({ name, state = '', shape, dtype }) => {
        const next = results[state]
        if (next?.dtype === dtype && String(next.dims) === String(shape)) {
          return [name, { dtype, dims: next.dims, data: slice(next, 0, next.data.length) }]
        }
        throw new AfieldError(
          'engine/run-failed',
          `The model gave no state of ${dtype} ${describeShape(shape)} as "${state}".`,
          { details: { output: state } },
        )
      }),
    )
  }
}

function readState({ name, dtype, shape }: TensorInput, state: StateTensors | undefined): PlainTensor {
  if (!state) return { dtype, dims: shape, data: allocate(dtype, sizeOf(shape)) }
  const carried = Object.hasOwn(state, name) ? state[name] : undefined
  if (!carried) throw invalidInput('state', 'missing', 'is of another model')
  const read = readTensor({ name: 'state', dtype, shape }, carried)
  // One NaN would be in every answer from here on.
  if (Array.prototype.some.call(readable(read).data, Number.isNaN)) {
    throw invalidInput('state', 'out-of-range', 'holds NaN; begin again without a state')
  }
  return read
}

/** The tensors that an input names; a lone one may be given by itself. */
function byName(given: readonly TensorInput[], input: unknown): (name: string) => unknown {
  const names = given.map(({ name }) => name)
  const [lone] = names
  const bare =
    typeof input !== 'object' || input === null || Array.isArray(input) || ArrayBuffer.isView(input)
  if (names.length === 1 && lone !== undefined) {
    if (bare || (!Object.hasOwn(input, lone) && Object.hasOwn(input, 'data'))) return () => input
  }
  if (bare) {
    throw new AfieldError(
      'input/invalid',
      `predict() takes this model's tensors by name: { ${names.join(', ')} }.`,
      { details: { problem: 'mistyped' } },
    )
  }
  const unknown = Object.keys(input).find((name) => !names.includes(name))
  if (unknown !== undefined) throw unknownName(unknown, 'tensor', names)
  return (name) => (Object.hasOwn(input, name) ? (input as Record<string, unknown>)[name] : undefined)
}

function joinRows({ name, dtype }: TensorInput, prepared: readonly PreparedTensors[]): PlainTensor {
  const parts = prepared.flatMap(({ feeds }) => feeds[name] ?? [])
  const rows = parts.reduce((sum, { dims }) => sum + (dims[0] ?? 0), 0)
  const length = parts.reduce((sum, { data }) => sum + data.length, 0)
  const data: FeedData = allocate(dtype, length)
  let at = 0
  for (const part of parts) {
    if (Array.isArray(data)) fill(data, dtype, part.data, at)
    else data.set(part.data as ArrayLike<never>, at)
    at += part.data.length
  }
  return { dtype, dims: [rows, ...(parts[0]?.dims.slice(1) ?? [])], data }
}
