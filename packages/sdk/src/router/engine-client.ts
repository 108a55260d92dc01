import { AfieldError, errorFromData } from '@afield/protocol'
import { Awake, AWAKE_MS } from '../awake.js'
import type { EngineWanted } from '../keeper/ports.js'
import type { EngineReport, FromEngine, ToEngine } from '../engine/messages.js'
import type { EngineSet } from './engine-set.js'
import type { Member } from './member.js'
import type { Pack } from './pack.js'
import { startWorker, whyFailed } from './start-worker.js'

/** An engine that is ended tells what it counted, if it can, within this time. */
const LAST_WORD_MS = 1000

/** Its script, and what it is told of itself when it starts. */
export interface EngineStart extends Omit<Extract<ToEngine, { type: 'open' }>, 'type' | 'supply'> {
  readonly script: URL
}

/** The page's end of one engine: packs go in, and answers come out. */
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
    const id = this.#nextId
    const { length } = pack.calls
    try {
      this.#post(...pack.message(id, this.#shares?.packs))
    } catch {
      // What a question holds cannot be cloned, or throws when it is read: that would name what it holds.
      return false
    }
    if (length === 1 && this.#held.size === 0 && this.#lastMs < AWAKE_MS) this.#awake.stay()
    this.#held.set(id, pack)
    this.#nextId = id + length
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
      case 'packed':
      case 'answers': {
        const { to, ms } = data
        const pack = this.#held.get(to)
        if (ms !== undefined) {
          this.#held.delete(to)
          this.#lastMs = ms
        }
        return pack?.hear(to, data)
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

  #post(message: ToEngine, transfer: Transferable[]): void {
    this.#worker.postMessage(message, transfer)
  }
}
