import type { AfieldError, Backend } from '@afield/protocol'
import type { PinnedModel, PredictManyOptions, PredictOptions, Prediction, Predictions } from '../api.js'
import type { EngineSet } from './engine-set.js'
import type { Route } from './route.js'

/** A model, held at one version and engine while others begin to serve. */
export class Pinned implements PinnedModel {
  readonly version: string
  readonly #route: Route
  #set: EngineSet
  #release: () => void

  constructor(route: Route, set: EngineSet) {
    this.version = set.served.version
    this.#route = route
    this.#set = set
    this.#release = set.pin()
  }

  get backend(): Backend {
    return this.#set.served.backend
  }

  predict(input: unknown, options?: PredictOptions): Promise<Prediction> {
    return this.#ask((set) => this.#route.predict(input, options, set))
  }

  predictMany(candidates: readonly unknown[], options?: PredictManyOptions): Promise<Predictions> {
    return this.#ask((set) => this.#route.predictMany(candidates, options, set))
  }

  release(): void {
    this.#release()
  }

  /** After its engine was lost, once more of another, where that runs the very same version. */
  async #ask<T>(ask: (set: EngineSet) => Promise<T>): Promise<T> {
    const { cut } = this.#set
    if (cut) throw cut
    if (!this.#set.isAlive) await this.#followOn()
    try {
      return await ask(this.#set)
    } catch (error) {
      const { code } = error as AfieldError
      if (this.#set.cut) throw this.#set.cut
      if (this.#set.isAlive || (code !== 'engine/crashed' && code !== 'engine/device-lost')) throw error
      if (!(await this.#followOn())) throw error
      return ask(this.#set)
    }
  }

  async #followOn(): Promise<boolean> {
    const set = await this.#route.ready()
    if (set.served.version !== this.version) return false
    this.#release()
    this.#set = set
    this.#release = set.pin()
    return true
  }
}
