import type { AfieldError, Backend } from '@afield/protocol'
import type { PinnedModel, PredictManyOptions, PredictOptions, Prediction, Predictions } from '../api.js'
import { abortable } from '../abort.js'
import { checkOptions } from './check-given.js'
import { Deadline } from './deadline.js'
import type { EngineSet } from './engine-set.js'
import type { Route } from './route.js'
import type { Stream } from './stream.js'

/** A model, held at one version and engine while others begin to serve. */
export class Pinned implements PinnedModel {
  readonly version: string
  readonly #route: Route
  #set: EngineSet
  #release: () => void
  #isReleased = false

  constructor(route: Route, set: EngineSet) {
    this.version = set.served.version
    this.#route = route
    this.#set = set
    this.#release = set.holds.pin()
  }

  get backend(): Backend {
    return this.#set.served.backend
  }

  predict(input: unknown, options?: PredictOptions): Promise<Prediction> {
    return this.#inTime(options, (given) => this.#ask((stream) => this.#route.predict(input, given, stream)))
  }

  predictMany(candidates: readonly unknown[], options?: PredictManyOptions): Promise<Predictions> {
    return this.#inTime(options, (given) =>
      this.#ask((stream) => this.#route.predictMany(candidates, given, stream)),
    )
  }

  release(): void {
    this.#isReleased = true
    this.#release()
  }

  async #inTime<O extends Pick<PredictOptions, 'signal' | 'timeoutMs'>, T>(
    options: O | undefined,
    ask: (options: O | undefined) => Promise<T>,
  ): Promise<T> {
    checkOptions(options)
    if (options?.timeoutMs === undefined) return ask(options)
    const deadline = new Deadline(performance.now(), options)
    try {
      return await abortable(ask({ ...options, signal: deadline.signal }), deadline.signal)
    } finally {
      deadline.end()
    }
  }

  async #ask<T>(ask: (stream: Stream) => Promise<T>): Promise<T> {
    const { cut } = this.#set.holds
    if (cut) throw cut
    if (!this.#set.isAlive) await this.#followOn()
    return ask({ set: this.#set, next: this.#next })
  }

  /** After its engine was lost, or was wrong, another, where that runs the very same version. */
  readonly #next: Stream['next'] = async ({ set, error }) => {
    if (!mayFollowOn(set, error)) throw error
    if (this.#set.holds.cut) throw this.#set.holds.cut
    // By the time that it fails, another call may have followed on.
    if (set === this.#set && !(await this.#followOn(error))) throw error
    return this.#set
  }

  async #followOn(error?: AfieldError): Promise<boolean> {
    const set = await this.#route.ready(error && { set: this.#set, error })
    if (set.served.version !== this.version) return false
    this.#release()
    this.#set = set
    if (!this.#isReleased) this.#release = set.holds.pin()
    return true
  }
}

function mayFollowOn({ isAlive }: EngineSet, { code }: AfieldError): boolean {
  if (code === 'engine/wrong-answer') return true
  return !isAlive && (code === 'engine/crashed' || code === 'engine/device-lost')
}
