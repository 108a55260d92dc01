import { AfieldError, errorFromData, type Answer as ModelAnswer, type PackedInput } from '@afield/protocol'
import { Awake, AWAKE_MS } from '../awake.js'
import type { EngineWanted } from '../keeper/ports.js'
import type { Answer, EngineReport, FromEngine, Question, ToEngine } from '../engine/messages.js'
import type { Call } from './call.js'
import type { EngineSet } from './engine-set.js'
import type { Member, Pack } from './member.js'
import { Spares } from './spares.js'
import { startWorker, whyFailed } from './start-worker.js'

/** An array in a larger buffer is cut out: the whole buffer would be copied. */
const MAX_SLACK = 4096
/** An engine that is ended tells what it counted, if it can, within this time. */
const LAST_WORD_MS = 1000

/** Its script, and what it is told of itself when it starts. */
export interface EngineStart extends Omit<Extract<ToEngine, { type: 'open' }>, 'type' | 'supply'> {
  readonly script: URL
}

/** The page's end of one engine: what is asked goes in, packed where the engine takes it so, and answers come out. */
export class EngineClient implements Member {
  readonly id: number
  /** The keeper's end of the supply port; handed out once. */
  readonly supply: MessagePort
  readonly gone: Promise<AfieldError | undefined>
  owner: EngineSet | undefined
  /** What it was handed out for. */
  wanted: EngineWanted | undefined
  /** The runtime that it compiled, for further engines. */
  module: WebAssembly.Module | undefined
  /** Hears what the engine tells of itself. */
  onReport: ((report: EngineReport) => void) | undefined
  readonly #worker: Worker
  /** By the id of the first question. */
  readonly #held = new Map<number, Pack>()
  /** Whether questions share runs, and how they are packed for that. */
  #shares: Extract<FromEngine, { type: 'shares' }> | undefined
  #nextId = 0
  /** What the last answer took there. */
  #lastMs = Infinity
  readonly #spares = new Spares()
  readonly #awake = new Awake(() => this.#held.size > 0)
  #hasEnded = false
  #end: (error: AfieldError | undefined) => void = () => undefined

  constructor(id: number, { script, ...open }: EngineStart) {
    const worker = startWorker(script, 'afield engine')
    this.id = id
    this.#worker = worker
    this.gone = new Promise((resolve) => (this.#end = resolve))
    const { port1, port2 } = new MessageChannel()
    this.supply = port2
    worker.addEventListener('message', ({ data }: MessageEvent<FromEngine>) => this.#hear(data))
    worker.addEventListener('error', (event) => {
      event.preventDefault()
      this.end(
        new AfieldError(
          'engine/crashed',
          `The engine's worker failed: ${whyFailed(event, script)}. The next call starts another.`,
        ),
      )
    })
    this.#post({ type: 'open', supply: port1, ...open }, [port1])
  }

  get sharesRuns(): boolean {
    return this.#shares !== undefined
  }

  send(pack: Pack): boolean {
    const { calls } = pack
    const id = this.#nextId
    const packs = this.#shares?.packs
    try {
      const packed = packs && packedOf(id, calls, packs, this.#spares)
      if (packed) this.#post(packed, calls.length > 1 ? [packed.data.buffer] : [])
      else {
        this.#post(
          { type: 'predict', questions: calls.map((call, i) => questionOf(id + i, call)) },
          calls.flatMap(({ bitmap }) => bitmap ?? []),
        )
      }
    } catch {
      // What a question holds cannot be cloned, or throws when it is read: that would name what it holds.
      return false
    }
    if (calls.length === 1 && this.#held.size === 0 && this.#lastMs < AWAKE_MS) this.#awake.stay()
    this.#held.set(id, pack)
    this.#nextId = id + calls.length
    return true
  }

  keepAnswers(cache: number): void {
    this.#post({ type: 'configure', cache }, [])
  }

  /** Has it tell of itself. */
  report(): void {
    this.#post({ type: 'report' }, [])
  }

  /** Answers what it was asked, then ends. */
  close(): void {
    if (this.owner) this.owner.retire()
    else this.end(undefined)
  }

  /** Ends at once, which is what gives its memory back. */
  end(error: AfieldError | undefined): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    const terminate = (): void => this.#worker.terminate()
    if (error) terminate()
    else {
      this.report()
      setTimeout(terminate, LAST_WORD_MS)
    }
    this.#held.clear()
    this.#end(error)
  }

  #hear(data: FromEngine): void {
    switch (data.type) {
      case 'packed': {
        if (data.spare) this.#spares.keep(data.spare)
        const calls = this.#held.get(data.id)?.calls ?? []
        this.#done(data.id, data.ms)
        calls.forEach((call, i) => call.settle({ outputs: outputsAt(data.tensors, i, calls.length) }))
        return
      }
      case 'answers': {
        const { to, answers, ms } = data
        const pack = this.#held.get(to)
        const answered = answers.flatMap(({ id }) => pack?.calls[id - to] ?? [])
        if (ms === undefined) pack?.goesOn(answered)
        else this.#done(to, ms)
        answered.forEach((call, i) => settle(call, answers[i]))
        return
      }
      case 'shares':
        this.#shares = data
        return
      case 'failed':
        return this.end(errorFromData(data.error))
      case 'compiled':
        this.module = data.module
        return
      case 'report':
        this.onReport?.(data.report)
        if (this.#hasEnded) this.#worker.terminate()
    }
  }

  #done(id: number, ms: number): void {
    const pack = this.#held.get(id)
    this.#held.delete(id)
    this.#lastMs = ms
    pack?.done(ms)
  }

  #post(message: ToEngine, transfer: Transferable[]): void {
    this.#worker.postMessage(message, transfer)
  }
}

function settle(call: Call, answer: Answer | undefined): void {
  if (!answer) call.settle(new AfieldError('internal/unexpected', 'An answer is missing.'))
  else if ('error' in answer) call.fail(errorFromData(answer.error))
  else call.settle(answer.cached ? { ...answer.answer, cached: true } : answer.answer)
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
