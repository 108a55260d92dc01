import type { Contract, Input } from '../contract/contract.js'
import type { Outputs } from '../contract/outputs.js'
import { contractSchema } from '../contract/schema.js'
import { AfieldError } from '../errors.js'
import { parseWith } from '../parse.js'
import type { Assets, Feeds, InputEncoder, InputKindCode, StateTensors } from './encoder.js'
import { fromGolden, type GoldenInput } from './golden.js'
import { answersOneRow, createDecoder } from './outputs.js'
import { invalidInput } from './refuse.js'
import { isBatch } from './tensors.js'

/** 16 MiB of float32; a run needs several times as much for what lies between input and output. */
const MAX_RUN_ELEMENTS = 2 ** 22

/**
 * What a stateful model carries from one call to the next. It comes with an answer, goes back with the next call, and
 * is nothing to look into.
 */
export interface ModelState {
  /** The model and the format of its state: a new one begins where the old one no longer fits. */
  readonly of: string
  readonly tensors: StateTensors
}

export interface Answer {
  readonly outputs: Outputs
  /** Of a stateful model. */
  readonly state?: ModelState
}

/** An input that was checked and is ready to be encoded. */
export interface Prepared {
  readonly value: unknown
  readonly rows: number
  /** Inputs with the same key may share a run; `undefined`: alone. */
  readonly key: string | undefined
  /** Elements of its tensors, where they may be many. */
  readonly size: number
}

export interface CodecOptions {
  readonly assets?: Assets
  /** What state may be carried on; see {@link ModelState}. */
  readonly stateOf?: string
}

/**
 * Both ways between an app's words and a graph's tensors.
 *
 * @example
 * const codec = await createCodec(contract, recordKind)
 * const prepared = [await codec.prepare({ hours: 4 }), await codec.prepare({ hours: 5 })]
 * const answers = codec.decode(await run(codec.encode(prepared)), prepared)
 */
export class Codec {
  readonly #contract: Contract
  readonly #encoder: InputEncoder
  readonly #stateOf: string
  readonly #decode: ReturnType<typeof createDecoder>
  readonly #oneRow: boolean

  constructor(contract: Contract, encoder: InputEncoder, batched: boolean, stateOf: string) {
    this.#contract = contract
    this.#encoder = encoder
    this.#stateOf = stateOf
    this.#decode = createDecoder(contract, batched)
    this.#oneRow = answersOneRow(contract)
  }

  /**
   * Checks an input for itself, so that a bad one touches no other.
   *
   * @throws AfieldError `input/invalid` with `details.field` and `details.problem`; the message never holds the value.
   */
  prepare(input: unknown, state?: ModelState): Prepared | Promise<Prepared> {
    return this.#prepare(input, state && this.#carried(state))
  }

  /** Like {@link prepare}, for the input of a golden vector. */
  prepareGolden(golden: GoldenInput): Prepared | Promise<Prepared> {
    const { value, state } = fromGolden(this.#contract.input, golden)
    return this.#prepare(value, state)
  }

  /** The inputs that may share a run, in their order; large ones share it with few others. */
  groups<T>(items: readonly T[], preparedOf: (item: T) => Prepared): readonly (readonly T[])[] {
    const groups: T[][] = []
    const open = new Map<string, { readonly group: T[]; size: number }>()
    for (const item of items) {
      const { key, size } = preparedOf(item)
      const found = key === undefined ? undefined : open.get(key)
      if (found && found.size + size <= MAX_RUN_ELEMENTS) {
        found.group.push(item)
        found.size += size
        continue
      }
      const group = [item]
      groups.push(group)
      if (key !== undefined) open.set(key, { group, size })
    }
    return groups
  }

  /** The graph's inputs for one run. */
  encode(group: readonly Prepared[]): Feeds {
    return this.#encoder.encode(group.map(({ value }) => value))
  }

  /**
   * One answer for each input of a run.
   *
   * @throws AfieldError `engine/run-failed` where the graph gave something else than the contract says.
   */
  decode(results: Feeds, group: readonly Prepared[]): readonly Answer[] {
    const total = group.reduce((sum, { rows }) => sum + rows, 0)
    const tensors = this.#encoder.nextState?.(results)
    const state = tensors && { state: { of: this.#stateOf, tensors } }
    let from = 0
    return group.map(({ value, rows: count }) => {
      const read = this.#decode(results, { from, count, total })
      from += count
      const own = this.#encoder.passThrough?.(value)
      return { outputs: own ? { ...own, ...read } : read, ...state }
    })
  }

  /** What goes straight from an input into its answer, such as its ids. */
  passThrough({ value }: Prepared): Outputs | undefined {
    return this.#encoder.passThrough?.(value)
  }

  #prepare(input: unknown, state: StateTensors | undefined): Prepared | Promise<Prepared> {
    const value = this.#encoder.prepare(input, state)
    return value instanceof Promise ? value.then((decoded) => this.#ready(decoded)) : this.#ready(value)
  }

  #ready(value: unknown): Prepared {
    const rows = this.#encoder.rows(value)
    if (rows !== 1 && this.#oneRow) {
      throw invalidInput(fieldOf(this.#contract.input), 'shape', 'takes one row a call: its answer is of one')
    }
    const encoder = this.#encoder
    const key = encoder.batchKey ? encoder.batchKey(value) : ''
    return { value, rows, key, size: encoder.size?.(value) ?? 0 }
  }

  #carried(state: ModelState): StateTensors {
    const { of, tensors }: Partial<ModelState> = typeof state === 'object' ? state : {}
    if (!this.#encoder.nextState) throw invalidInput('state', 'unknown', 'is for models that carry one')
    if (of === this.#stateOf && typeof tensors === 'object') return tensors
    throw invalidInput('state', 'malformed', 'is of another model or version; begin again without a state')
  }
}

/**
 * Makes the codec of a contract.
 *
 * @param kind the code for the contract's kind of input.
 * @throws AfieldError `descriptor/invalid` when an asset is missing or not what it should be.
 */
export async function createCodec(
  contract: Contract,
  kind: InputKindCode<Input>,
  { assets = {}, stateOf = '' }: CodecOptions = {},
): Promise<Codec> {
  const encoder = await kind.createEncoder(contract.input, assets)
  const { input } = contract
  return new Codec(contract, encoder, input.kind !== 'tensors' || isBatch(input), stateOf)
}

/**
 * The kind of input that a contract is of, before it is parsed: what tells which code parses it.
 *
 * @throws AfieldError `descriptor/invalid` where it names none.
 */
export function kindOf(contract: unknown): string {
  const { input } = (contract ?? {}) as { input?: { kind?: unknown } | null }
  const kind = input?.kind
  if (typeof kind === 'string') return kind
  throw new AfieldError('descriptor/invalid', 'The contract is not valid at "input.kind": it names no kind.')
}

/** @throws AfieldError `descriptor/invalid`, also where the contract is of another kind. */
export function parseContract(value: unknown, kind: InputKindCode<Input>): Contract {
  return parseWith(contractSchema(kind.schema), value, 'descriptor/invalid', 'The contract')
}

/** What an error about the whole input names. */
function fieldOf(input: Input): string {
  return input.kind === 'tensors' ? (input.tensors[0]?.name ?? 'tensors') : input.kind
}
