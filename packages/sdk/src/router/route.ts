import { AfieldError, asAfieldError, type Answer, type ModelState } from '@afield/protocol'
import type { PredictOptions, Prediction } from '../api.js'
import type { Served } from '../keeper/ports.js'
import { abortable, throwIfAborted } from '../abort.js'
import type { Observer } from './observer.js'

/** What a route asks: an engine's worker, or a session in the same process. */
export interface AnsweringEngine {
  predict(input: unknown, state: ModelState | undefined): Promise<Answer>
  /** Answers what it was asked, then ends. */
  close(): void
  /** Resolves when the engine is gone: with the error that ended it, or with nothing when it was closed. */
  readonly gone: Promise<AfieldError | undefined>
}

/** Where predictions for one model go now: an engine, a recovery that is under way, or an error. */
export class Route {
  readonly name: string
  readonly #observer: Observer | undefined
  /** Asks the keeper for another engine; {@link serve} is called before it resolves. */
  readonly #recover: () => Promise<void>
  #engine: AnsweringEngine | undefined
  #served: Served | undefined
  /** What served last, also after a refusal: errors are counted for it. */
  #lastServed: Served | undefined
  #refusal: AfieldError | undefined
  #closed: AfieldError | undefined
  #underWay = 0
  #waiting: (() => void)[] = []
  #drained: () => void = () => undefined

  constructor(name: string, observer: Observer | undefined, recover: () => Promise<void>) {
    this.name = name
    this.#observer = observer
    this.#recover = recover
  }

  /** `undefined` while nothing may serve. */
  get served(): Served | undefined {
    return this.#served
  }

  /** New predictions go to this engine; the one before it answers what it was asked and closes. */
  serve(engine: AnsweringEngine, served: Served): void {
    if (this.#closed) return engine.close()
    const before = this.#engine
    this.#engine = engine
    this.#served = served
    this.#lastServed = served
    this.#refusal = undefined
    for (const resolve of this.#waiting.splice(0)) resolve()
    if (before !== engine) before?.close()
    void engine.gone.then(() => {
      if (this.#engine === engine) this.#engine = undefined
    })
  }

  /** Resolves when an engine next begins to serve. */
  nextServe(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  refuse(error: AfieldError): void {
    this.#engine?.close()
    this.#engine = undefined
    this.#served = undefined
    this.#refusal = error
  }

  /**
   * Refuses what is asked from now on, uncounted.
   *
   * @returns when what was asked before is answered, or has failed, and is counted.
   */
  async close(error: AfieldError): Promise<void> {
    this.#closed = error
    this.refuse(error)
    if (this.#underWay > 0) await new Promise<void>((resolve) => (this.#drained = resolve))
  }

  async predict(input: unknown, { signal, state }: PredictOptions = {}): Promise<Prediction> {
    if (this.#closed) throw this.#closed
    const began = performance.now()
    const served = this.#lastServed
    this.#underWay += 1
    try {
      throwIfAborted(signal)
      const { answer, by } = await abortable(this.#ask(input, state), signal)
      const latencyMs = performance.now() - began
      this.#observer?.answered(by, latencyMs)
      return {
        ...answer,
        model: by.model,
        modelVersion: by.version,
        servedBy: 'model',
        backend: by.backend,
        latencyMs,
      }
    } catch (cause) {
      const error = asAfieldError(cause, 'internal/unexpected', 'predict() failed')
      if (served) this.#observer?.failed(served, error.code)
      throw error
    } finally {
      this.#underWay -= 1
      if (this.#underWay === 0) this.#drained()
    }
  }

  async #ask(
    input: unknown,
    state: ModelState | undefined,
  ): Promise<{ readonly answer: Answer; readonly by: Served }> {
    if (this.#refusal) throw this.#refusal
    if (!this.#engine) await this.#recover()
    const engine = this.#engine
    const by = this.#served
    if (!engine || !by)
      throw this.#refusal ?? new AfieldError('engine/crashed', 'No engine serves. Load the model again.')
    return { answer: await engine.predict(input, state), by }
  }
}
