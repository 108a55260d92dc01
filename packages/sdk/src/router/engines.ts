import { AfieldError } from '@afield/protocol'
import { engineUrls, engineWorkerUrl } from '../files.js'
import type { EngineReport } from '../engine/messages.js'
import type { Logger } from '../keeper/ports.js'
import { EngineClient } from './engine-client.js'

/** An engine that hangs is not waited for longer than this when Afield is closed. */
const DRAIN_MS = 10_000

/** Hears what an engine tells of itself. */
type OnReport = (report: EngineReport, engine: number) => void

/** The engines of this page: started in advance, handed out, and gone. */
export class Engines {
  readonly #alive = new Map<number, EngineClient>()
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

  get alive(): readonly EngineClient[] {
    return [...this.#alive.values()]
  }

  get(id: number): EngineClient | undefined {
    return this.#alive.get(id)
  }

  /**
   * Starts an engine that compiles its runtime while the keeper still looks for a model.
   *
   * @throws AfieldError `closed`.
   */
  prepare(): void {
    this.#spare ??= this.#start()
  }

  /**
   * The prepared engine, or a new one.
   *
   * @throws AfieldError `closed`.
   */
  take(): EngineClient {
    const engine = this.#spare ?? this.#start()
    this.#spare = undefined
    return engine
  }

  /** Ends the prepared engine that nobody took. */
  dropSpare(): void {
    this.#spare?.close()
    this.#spare = undefined
  }

  /** Resolves when the engine is gone: with the error that ended it, or with nothing when it was closed. */
  async gone(id: number): Promise<AfieldError | undefined> {
    return (await this.#alive.get(id)?.gone) ?? this.#crashes.get(id)
  }

  /** Lets every engine answer what it was asked, then ends it; starts no other. */
  async close(): Promise<void> {
    this.#closed = true
    const engines = this.alive
    for (const engine of engines) engine.close()
    const patience = setTimeout(() => engines.forEach((engine) => engine.end(undefined)), DRAIN_MS)
    await Promise.all(engines.map(({ gone }) => gone))
    clearTimeout(patience)
  }

  #start(): EngineClient {
    if (this.#closed) throw new AfieldError('closed', 'Afield was closed and starts no engine.')
    const engine = new EngineClient(++this.#lastId, engineWorkerUrl(), engineUrls())
    this.#alive.set(engine.id, engine)
    engine.onReport = (report) => this.#onReport(report, engine.id)
    void engine.gone.then((error) => {
      this.#alive.delete(engine.id)
      if (this.#spare === engine) this.#spare = undefined
      if (!error) return
      this.#crashes.set(engine.id, error)
      this.#log('error', error.message, error)
    })
    return engine
  }
}
