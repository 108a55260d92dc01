import { errorFromData, type Answer as ModelAnswer, type PackedInput } from '@afield/protocol'
import type { Answer, FromEngine, Question, ToEngine } from '../engine/messages.js'
import type { Call } from './call.js'
import type { Spares } from './spares.js'

/** An array in a larger buffer is cut out: the whole buffer would be copied. */
const MAX_SLACK = 4096

type ToPack = Extract<FromEngine, { type: 'packed' | 'answers' }>

/** What whoever sends it hears. */
export interface PackListener {
  /** Before so many of its calls are settled, while others are still worked on; of none: they are worked on. */
  goesOn(answered: number): void
  /** Once, before the last of its calls are settled: what waits is sent first. */
  done(ms: number): void
}

/** Questions that travel together: one message there, and their answers as they come back. */
export class Pack {
  readonly calls: readonly Call[]
  /** Those of the calls that were answered, while others are still worked on. */
  readonly #answered = new Set<Call>()
  readonly #spares: Spares
  readonly #listener: PackListener

  constructor(calls: readonly Call[], spares: Spares, listener: PackListener) {
    this.calls = calls
    this.#spares = spares
    this.#listener = listener
  }

  /** How many of its calls are still to be answered. */
  get left(): number {
    return this.calls.length - this.#answered.size
  }

  get unanswered(): readonly Call[] {
    return this.calls.filter((call) => !this.#answered.has(call))
  }

  /**
   * The message that asks all of them, and what it hands over.
   *
   * @param id of the first; the others follow.
   * @param packs how the engine takes inputs packed, if it does.
   * @throws what reading an app's input throws.
   */
  message(id: number, packs: PackedInput | undefined): readonly [ToEngine, Transferable[]] {
    const { calls } = this
    const packed = packs && packedOf(id, calls, packs, this.#spares)
    if (packed) return [packed, calls.length > 1 ? [packed.data.buffer] : []]
    return [
      { type: 'predict', questions: calls.map((call, i) => questionOf(id + i, call)) },
      calls.flatMap(({ bitmap }) => bitmap ?? []),
    ]
  }

  /** Settles what was answered. @param id as in {@link message}. */
  hear(id: number, data: ToPack): void {
    const { calls } = this
    if (data.type === 'packed') {
      if (data.spare) this.#spares.keep(data.spare)
      this.done(data.ms)
      return calls.forEach((call, i) => call.settle({ outputs: outputsAt(data.tensors, i, calls.length) }))
    }
    if (data.ms === undefined) this.goesOn(data.answers.flatMap((answer) => calls[answer.id - id] ?? []))
    else this.done(data.ms)
    for (const answer of data.answers) settle(calls[answer.id - id], answer)
  }

  goesOn(answered: readonly Call[]): void {
    const before = this.#answered.size
    for (const call of answered) this.#answered.add(call)
    this.#listener.goesOn(this.#answered.size - before)
  }

  done(ms: number): void {
    this.#listener.done(ms)
  }
}

function settle(call: Call | undefined, answer: Answer): void {
  if ('error' in answer) call?.fail(errorFromData(answer.error))
  else call?.settle(answer.cached ? { ...answer.answer, cached: true } : answer.answer)
}

function questionOf(id: number, { asked, sendable }: Call): Question {
  if ('golden' in asked) return { id, golden: asked.golden }
  if (asked.isTest) return { ...asked, id, input: sendable }
  return asked.state === undefined ? { id, input: sendable } : { id, input: sendable, state: asked.state }
}

/** `undefined` where not all of them may travel so; then each for itself. */
function packedOf(
  id: number,
  calls: readonly Call[],
  { rowSize }: PackedInput,
  spares: Spares,
): Extract<ToEngine, { type: 'packed' }> | undefined {
  const first = calls[0]?.sendable
  if (!(first instanceof Float32Array) || first.length === 0 || first.length % rowSize !== 0) return undefined
  const { length } = first
  const count = calls.length
  if (count === 1) {
    if (!isPlain(calls[0])) return undefined
    const data = first.buffer.byteLength - first.byteLength > MAX_SLACK ? first.slice() : first
    return { type: 'packed', id, count, data }
  }
  const data = spares.take(count * length)
  for (let i = 0; i < count; i++) {
    const call = calls[i]
    const input = call?.sendable
    if (!(input instanceof Float32Array) || input.length !== length || !isPlain(call)) return undefined
    data.set(input, i * length)
  }
  return { type: 'packed', id, count, data }
}

/** An input that carries nothing on from the one before. */
function isPlain(call: Call | undefined): boolean {
  return call !== undefined && !('golden' in call.asked) && call.asked.state === undefined
}

function outputsAt(
  tensors: Extract<FromEngine, { type: 'packed' }>['tensors'],
  at: number,
  count: number,
): ModelAnswer['outputs'] {
  const outputs: Record<string, ModelAnswer['outputs'][string]> = {}
  for (const { name, dtype, dims, data } of tensors) {
    const size = data.length / count
    const own = count === 1 ? data : data.slice(at * size, (at + 1) * size)
    outputs[name] = { dtype, dims: [...dims], data: own }
  }
  return outputs
}
