import { AfieldError, asAfieldError } from '@afield/protocol'
import { engineUrls, engineWorkerUrl } from '../files.js'
import type { EngineReport } from '../engine/messages.js'
import type { EngineWanted, Logger } from '../keeper/ports.js'
import { EngineClient, type EngineStart } from './engine-client.js'
import { partMissing } from './given.js'

/** An engine that hangs is not waited for longer than this when Afield is closed. */
const DRAIN_MS = 10_000

/** Hears what an engine tells of itself. */
type OnReport = (report: EngineReport, engine: number) => void

/** The engines of this page: started in advance, handed out, and gone. */
export class Engines {
  readonly alive = new Map<number, EngineClient>()
  /** An app wants pools: each engine of this page has a core. One that runs already keeps the threads that it has. */
  isPooled = false
  /** Why engines died, kept for a keeper that asks later: one may die before it is handed out. */
  readonly #crashes = new Map<number, AfieldError>()
  readonly #log: Logger
  readonly #onReport: OnReport
  #spare: EngineClient | undefined
  #closed = false
  #lastId = 0

  constructor(log: Logger, onReport: OnReport) {
    this.#log = log
    this.#onReport = onReport
  }

  /** Of a pool that lost the engine it began with, by which the keeper names it, another. */
  get(id: number): EngineClient | undefined {
    return this.alive.get(id) ?? [...this.alive.values()].find(({ owner }) => owner?.firstId === id)
  }

  /**
   * Starts an engine that compiles its runtime while the keeper still looks for a model.
   *
   * @throws AfieldError `closed`.
   */
  prepare(): void {
    this.#spare ??= this.start()
  }

  /**
   * To serve, the prepared engine or a new one, on WASM as every model starts. To do anything else, a new one where
   * there is room.
   *
   * @throws AfieldError `engine/no-room`, `closed`.
   */
  async take(wanted: EngineWanted): Promise<EngineClient> {
    // A file of its own: most pages run one engine.
    const further = () => import('./further-engines.js').catch(partMissing)
    if (wanted.role !== 'serving') return (await further()).startFurther(this, wanted)
    const engine = this.#spare ?? this.start()
    this.#spare = undefined
    engine.wanted = wanted
    // What is to serve waits for nobody.
    if (this.alive.size > 1) further().then(({ makeRoom }) => makeRoom(this, wanted), this.#complain)
    return engine
  }

  /** Ends the prepared engine that nobody took. */
  dropSpare(): void {
    this.#spare?.close()
    this.#spare = undefined
  }

  /** Resolves when the engine is gone: with the error that ended it, or with nothing when it was closed. */
  async gone(id: number): Promise<AfieldError | undefined> {
    const error = (await this.alive.get(id)?.gone) ?? this.#crashes.get(id)
    this.#crashes.delete(id)
    return error
  }

  /** Lets every engine answer what it was asked, then ends it; starts no other. */
  async close(): Promise<void> {
    this.#closed = true
    const engines = [...this.alive.values()]
    for (const engine of engines) engine.close()
    const patience = setTimeout(() => engines.forEach((engine) => engine.end(undefined)), DRAIN_MS)
    await Promise.all(engines.map(({ gone }) => gone))
    clearTimeout(patience)
  }

  /** @throws AfieldError `closed`. */
  start(more?: Partial<EngineStart>): EngineClient {
    if (this.#closed) throw new AfieldError('closed', 'Afield was closed and starts no engine.')
    const engine = new EngineClient(++this.#lastId, {
      script: engineWorkerUrl(),
      urls: engineUrls(),
      ...(this.isPooled ? { threads: 1 } : {}),
      ...more,
    })
    this.alive.set(engine.id, engine)
    engine.onReport = (report) => this.#onReport(report, engine.id)
    void engine.gone.then((error) => {
      this.alive.delete(engine.id)
      if (this.#spare === engine) this.#spare = undefined
      if (!error) return
      this.#crashes.set(engine.id, error)
      this.#complain(error)
    })
    return engine
  }

  readonly #complain = (cause: unknown): void => {
    const error = asAfieldError(cause, 'engine/unavailable', 'Another engine could not be looked after')
    // To give way is what some engines are for.
    this.#log(error.code === 'engine/no-room' ? 'info' : 'error', error.message, error)
  }
}
