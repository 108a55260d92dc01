import { AfieldError, asAfieldError } from '@afield/protocol'
import type { PredictManyOptions, PredictOptions, Prediction, Predictions, ServedBy } from '../api.js'
import type { Served } from '../keeper/ports.js'
import { Breaker } from './breaker.js'
import { Deadline } from './deadline.js'
import { failureOf, isOfCall, isOfModel } from './fallback/blame.js'
import type { Chain, ChainAnswers, Question } from './fallback/chain.js'
import { checkRanking, rank } from './rank.js'
import type { Route } from './route.js'

export interface GuardOptions {
  readonly model: string
  readonly route: Pick<Route, 'name' | 'served' | 'predict' | 'predictMany'>
  /** @throws AfieldError `closed`. */
  readonly throwIfClosed: () => void
  /** Loads the model again. */
  readonly load: () => Promise<unknown>
  /** The version that serves keeps failing: has it proved anew. */
  readonly doubt: (error: AfieldError) => Promise<void>
  /** Counts what something else answered in the model's place. */
  readonly fellBack: (
    by: ChainAnswers['servedBy'],
    latencyMs: number,
    times: number,
    /** Whether the model was asked first, which counts its failure. */
    isTold: boolean,
  ) => void
  /** Counts what nothing answered, and the model was not even asked. */
  readonly refused?: (error: AfieldError, times: number) => void
  readonly breaker?: Breaker
}

type Limits = Pick<PredictOptions, 'signal' | 'timeoutMs'>

/** A call in words that do not say whether it is of one input or of many. */
interface Call<T> {
  readonly questions: readonly Question[]
  /** Asks the model. */
  readonly ask: (signal: AbortSignal | undefined) => Promise<T>
  /** Why an answer is none, where it is. */
  readonly failure: (answered: T) => AfieldError | undefined
  readonly told: (answers: ChainAnswers, rest: Told) => T
}

interface Told {
  readonly model: string
  readonly modelVersion: string
  readonly servedBy: ServedBy
  readonly backend: undefined
  readonly latencyMs: number
}

/**
 * Stands between an app's calls and a model's route: gives up in time, leaves alone what keeps failing, and lets others
 * answer in its place.
 *
 * After 5 failures in a row the model is not asked for a minute, then one call tries. Only failures that say that the
 * model is broken count ({@link isOfModel}); another version or backend begins with a clean slate, as does what serves
 * again after nothing did, and calls that were under way when that changed, or when the model was left out or taken back,
 * count no more.
 */
export class Guard {
  readonly breaker: Breaker
  readonly #options: GuardOptions
  #chain: Chain | undefined
  /** It could not be loaded when the app asked for it, and has not served since. */
  #missing = false
  #last: AfieldError | undefined
  /** What served when the breaker was last looked at; empty while nothing did. */
  #served = ''

  constructor(options: GuardOptions) {
    this.#options = options
    this.breaker = options.breaker ?? new Breaker()
    this.#follow()
  }

  /** Whether something answers when the model does not. */
  get hasFallback(): boolean {
    return this.#chain?.answers ?? false
  }

  fallBackTo(chain: Chain): void {
    this.#chain?.retire()
    this.#chain = chain
  }

  /**
   * The model could not be loaded: until it serves, the fallback answers, and loading it is tried again now and then.
   *
   * @throws AfieldError why, where there is no fallback, or the app itself gave up.
   */
  missing(cause: unknown): void {
    const error = asAfieldError(cause, 'internal/unexpected', 'load() failed')
    if (isOfCall(error) || !this.hasFallback) throw error
    // It does serve; what failed was to find out about something newer.
    if (this.#options.route.served) return
    this.#last = error
    this.#missing = true
    this.#served = ''
    this.breaker.open()
  }

  /** Counts a failure that was met without this guard. @param by what served then. */
  failed(error: AfieldError, by: Served | undefined): void {
    this.#follow()
    if (!by || nameOf(by) === this.#served) this.#failed(error)
  }

  /** @param began when the app called, by `performance.now()`. */
  predict(input: unknown, options: PredictOptions = {}, began = performance.now()): Promise<Prediction> {
    const { route } = this.#options
    const { state } = options
    return this.#call<Prediction>(options, began, {
      questions: [{ input, state }],
      ask: (signal) => route.predict(input, { signal, state }),
      failure: () => undefined,
      told: ({ settled: [only] }, rest) => {
        if (!only || only instanceof AfieldError) throw only ?? new AfieldError('internal/unexpected', NONE)
        return { ...only, ...rest }
      },
    })
  }

  predictMany(
    candidates: readonly unknown[],
    options: PredictManyOptions = {},
    began = performance.now(),
  ): Promise<Predictions> {
    const { route } = this.#options
    const { timeoutMs: _whole, ...ranking } = options
    return this.#call<Predictions>(options, began, {
      get questions() {
        checkRanking(candidates, options)
        return candidates.map((input) => ({ input }))
      },
      ask: (signal) => route.predictMany(candidates, { ...ranking, signal }),
      failure: failureOf,
      told: ({ settled }, rest) => ({ ...rank(settled, options), ...rest }),
    })
  }

  async #call<T extends { readonly latencyMs: number }>(
    limits: Limits,
    began: number,
    call: Call<T>,
  ): Promise<T> {
    const deadline = new Deadline(began, limits)
    try {
      return await this.#answer(call, deadline, began)
    } finally {
      deadline.end()
    }
  }

  async #answer<T extends { readonly latencyMs: number }>(
    call: Call<T>,
    deadline: Deadline,
    began: number,
  ): Promise<T> {
    this.#options.throwIfClosed()
    this.#follow()
    const isTry = this.breaker.state !== 'closed'
    const { era } = this.breaker
    const asks = !this.#missing && this.breaker.admits()
    const reason = asks ? await this.#ask(call, deadline, began) : this.#unasked()
    // However it ended, and only the try itself: calls from before it say nothing of it.
    if (asks && isTry && era === this.breaker.era) this.breaker.withdrawn()
    if (!(reason instanceof AfieldError)) return reason
    const { fellBack, model, refused } = this.#options
    if (isOfCall(reason)) throw reason
    const count = (error: AfieldError, times: number): void => {
      if (!asks && !isOfCall(error)) refused?.(error, times)
    }
    if (!this.#chain?.answers) {
      count(reason, call.questions.length)
      throw reason
    }
    const answers = await this.#chain.ask(call.questions, reason, deadline).catch((cause: unknown) => {
      const error = asAfieldError(cause, 'internal/unexpected', 'The fallback could not be asked')
      count(error, call.questions.length)
      throw error
    })
    this.#options.throwIfClosed()
    const latencyMs = performance.now() - began
    const { modelVersion, servedBy, settled } = answers
    const failures = settled.filter((one) => one instanceof AfieldError)
    // Fails where they cannot be ranked, and whoever asked then has no answer.
    const told = call.told(answers, { model, modelVersion, servedBy, backend: undefined, latencyMs })
    fellBack(servedBy, latencyMs, settled.length - failures.length, asks)
    for (const failure of failures) count(failure, 1)
    return told
  }

  /** The model's answer, or why there is none. */
  async #ask<T extends { readonly latencyMs: number }>(
    call: Call<T>,
    deadline: Deadline,
    began: number,
  ): Promise<T | AfieldError> {
    const { era } = this.breaker
    const isHeard = (): boolean => {
      this.#follow()
      return era === this.breaker.era
    }
    try {
      const answered = await call.ask(deadline.signal)
      const failure = call.failure(answered)
      if (failure) {
        if (isHeard()) this.#failed(failure)
        return this.#chain?.answers ? failure : answered
      }
      if (isHeard()) this.breaker.close()
      return { ...answered, latencyMs: performance.now() - began }
    } catch (cause) {
      const error = asAfieldError(cause, 'internal/unexpected', 'The model could not be asked')
      if (isHeard()) this.#failed(error)
      return error
    }
  }

  #failed(error: AfieldError): void {
    // Where nothing serves, that is known without asking, and is over the moment that something does.
    if (!this.#served || !isOfModel(error)) return
    this.#last = error
    if (!this.breaker.failed()) return
    const { era } = this.breaker
    // What proves itself anew need not wait until the minute is over.
    this.#options.doubt(error).then(
      () => era === this.breaker.era && this.breaker.halfOpen(),
      () => undefined,
    )
  }

  /** Why the model is not asked. */
  #unasked(): AfieldError {
    if (this.#missing && this.#last) {
      // Nobody waits for it: the fallback answers meanwhile.
      if (this.breaker.admits()) {
        const tried = (): void => {
          this.#follow()
          // Also what was loaded and switched off at once is looked for again.
          if (this.#missing) this.breaker.open()
        }
        this.#options.load().then(tried, tried)
      }
      return this.#last
    }
    const { retryAfterMs } = this.breaker
    const seconds = Math.ceil(retryAfterMs / 1000)
    return new AfieldError(
      'engine/unavailable',
      `"${this.#options.route.name}" failed several times in a row and is tried again in ${seconds} s.`,
      { cause: this.#last, details: { retryAfterMs: Math.ceil(retryAfterMs) } },
    )
  }

  /** Failures of what served before say nothing of what serves now. */
  #follow(): void {
    const { served } = this.#options.route
    const serves = served ? nameOf(served) : ''
    if (serves === this.#served) return
    this.#served = serves
    if (served) this.#missing = false
    this.breaker.begin()
  }
}

const NONE = 'An answer is missing.'

function nameOf({ version, backend }: Served): string {
  return `${version} ${backend}`
}
