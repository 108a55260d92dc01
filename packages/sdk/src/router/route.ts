import { AfieldError, asAfieldError, type Answer } from '@afield/protocol'
import type { PredictManyOptions, PredictOptions, Prediction, Predictions } from '../api.js'
import type { Asked } from '../engine/messages.js'
import type { Served } from '../keeper/ports.js'
import { abortable, throwIfAborted } from '../abort.js'
import type { Guard } from './guard.js'
import type { Observer } from './observer.js'
import { checkRanking, rank } from './rank.js'

/** What a route asks: an engine's worker, or a session in the same process. */
export interface AnsweringEngine {
  /** A question that was not sent when the signal aborts is not asked. */
  predict(asked: Asked, signal: AbortSignal | undefined): Promise<Answer>
  /** Answers or errors, one a question and in their order. What was not sent when the signal aborts is not asked. */
  predictMany(
    asked: readonly Asked[],
    signal: AbortSignal | undefined,
  ): Promise<readonly (Answer | AfieldError)[]>
  /** Answers what it was asked, then ends. */
  close(): void
  /** Resolves when the engine is gone: with the error that ended it, or with nothing when it was closed. */
  readonly gone: Promise<AfieldError | undefined>
}

/** What counts what became of predictions and of versions. */
export type Counts = Pick<Observer, 'answered' | 'failed' | 'reached'>

/** Where predictions for one model go now: an engine, a recovery that is under way, or an error. */
export class Route {
  readonly name: string
  /** What answers for it where it cannot; see {@link guardOf}. */
  guard: Promise<Guard> | undefined
  readonly #counts: Counts | undefined
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

  constructor(name: string, counts: Counts | undefined, recover: () => Promise<void>) {
    this.name = name
    this.#counts = counts
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
    return this.#counted(
      1,
      signal,
      (engine) => engine.predict({ input, ...(state === undefined ? {} : { state }) }, signal),
      (answer, by, latencyMs) => {
        this.#counts?.answered(by, latencyMs)
        return {
          ...answer,
          model: by.model,
          modelVersion: by.version,
          servedBy: 'model',
          backend: by.backend,
          latencyMs,
        }
      },
    )
  }

  async predictMany(candidates: readonly unknown[], options: PredictManyOptions = {}): Promise<Predictions> {
    checkRanking(candidates, options)
    const { signal } = options
    const { settled, ...rest } = await this.#counted(
      candidates.length,
      signal,
      (engine) => askMany(engine, candidates, signal),
      (settled, by, latencyMs) => {
        for (const one of settled) {
          if (one instanceof AfieldError) this.#counts?.failed(by, one.code)
          else this.#counts?.answered(by, latencyMs)
        }
        return {
          settled,
          model: by.model,
          modelVersion: by.version,
          servedBy: 'model' as const,
          backend: by.backend,
          latencyMs,
        }
      },
    )
    return { ...rank(settled, options), ...rest }
  }

  /** @param predictions that the call stands for: a call that fails as a whole counts as so many errors. */
  async #counted<T, R>(
    predictions: number,
    signal: AbortSignal | undefined,
    ask: (engine: AnsweringEngine) => Promise<T>,
    tell: (answered: T, by: Served, latencyMs: number) => R,
  ): Promise<R> {
    if (this.#closed) throw this.#closed
    const began = performance.now()
    const served = this.#lastServed
    this.#underWay += 1
    try {
      throwIfAborted(signal)
      const { answered, by } = await abortable(this.ask(ask), signal)
      return tell(answered, by, performance.now() - began)
    } catch (cause) {
      const error = asAfieldError(cause, 'internal/unexpected', 'The model could not be asked')
      if (served) this.#counts?.failed(served, error.code, predictions)
      throw error
    } finally {
      this.#underWay -= 1
      if (this.#underWay === 0) this.#drained()
    }
  }

  /** Uncounted. All that one call asks is answered by one engine, also when another begins to serve meanwhile. */
  async ask<T>(
    ask: (engine: AnsweringEngine) => Promise<T>,
  ): Promise<{ readonly answered: T; readonly by: Served }> {
    if (this.#refusal) throw this.#refusal
    if (!this.#engine) await this.#recover()
    const engine = this.#engine
    const by = this.#served
    if (!engine || !by)
      throw this.#refusal ?? new AfieldError('engine/crashed', 'No engine serves. Load the model again.')
    return { answered: await ask(engine), by }
  }
}

/** @throws AfieldError when it is the engine that failed, and not a candidate. */
async function askMany(
  engine: AnsweringEngine,
  candidates: readonly unknown[],
  signal: AbortSignal | undefined,
): Promise<readonly (Answer | AfieldError)[]> {
  const settled = await engine.predictMany(
    candidates.map((input) => ({ input })),
    signal,
  )
  const gone = settled.find(
    (one) => one instanceof AfieldError && (one.code === 'engine/crashed' || one.code === 'closed'),
  )
  if (gone) throw gone
  return settled
}
