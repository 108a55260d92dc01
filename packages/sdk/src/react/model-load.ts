import { asAfieldError, type AfieldError } from '@afield/protocol'
import type { Afield, Model, Progress } from '../api.js'
import type { InputOf, ModelName, OutputsOf } from '../models.js'
import type { FallbackOptions } from '../router/fallback/options.js'

/** On the way; `progress` from the first byte that had to be downloaded. */
export interface LoadingModel {
  readonly status: 'loading'
  readonly progress: Progress | undefined
}

export interface ReadyModel<N extends ModelName = ModelName> {
  readonly status: 'ready'
  readonly model: Model<N>
  /** The model's, to be passed on alone. */
  readonly predict: Model<N>['predict']
  /** The version that serves now; `undefined` while a fallback answers in the model's place. */
  readonly version: string | undefined
}

/** Nothing answers: the load failed, or the team switched the model off, and there is no fallback. */
export interface FailedModel {
  readonly status: 'failed'
  readonly error: AfieldError
  readonly retry: () => void
}

export type ModelState<N extends ModelName = ModelName> = LoadingModel | ReadyModel<N> | FailedModel

export interface UseModelOptions<N extends ModelName = ModelName> {
  /** A version, an alias that the team gave one, or `latest`; default: what the rollout means for this device. */
  readonly version?: string
  /** As of `load()`. Of components that share a model, what the last of them gave before it was loaded. */
  readonly fallback?: FallbackOptions<OutputsOf<N>, InputOf<N>>
}

/** What a server renders, and a browser until it knows better. */
export const LOADING: LoadingModel = { status: 'loading', progress: undefined }

/** One load, shared by every component that shows the model. */
export class ModelLoad<N extends ModelName> {
  readonly #afield: Afield
  readonly #name: N
  readonly #version: string | undefined
  #fallback: UseModelOptions<N>['fallback']
  readonly #listeners = new Set<() => void>()
  #state: ModelState<N> = LOADING
  #underWay: AbortController | undefined
  #settled: Promise<void> = Promise.resolve()
  /** A component that waits in Suspense cannot say that it gave up. */
  #awaited = false
  #following = false

  constructor(afield: Afield, name: N, version: string | undefined) {
    this.#afield = afield
    this.#name = name
    this.#version = version
  }

  /** Holds from the next load on. */
  fallBackTo(fallback: UseModelOptions<N>['fallback']): void {
    this.#fallback = fallback ?? this.#fallback
  }

  readonly read = (): ModelState<N> => this.#state

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    this.#start()
    return () => {
      this.#listeners.delete(listener)
      // React's strict mode takes a component out and puts it back at once.
      setTimeout(() => this.#abortUnwanted(), 0)
    }
  }

  /** Loads for a component that has not been mounted yet; resolves however that ends. */
  wait(): Promise<void> {
    this.#awaited = true
    this.#start()
    return this.#settled
  }

  readonly retry = (): void => {
    if (this.#state.status !== 'failed') return
    this.#become(LOADING)
    this.#start()
  }

  #start(): void {
    if (this.#underWay || this.#state.status !== 'loading') return
    const controller = new AbortController()
    this.#underWay = controller
    this.#settled = this.#load(controller.signal)
  }

  async #load(signal: AbortSignal): Promise<void> {
    try {
      const model = await this.#afield.load(this.#name, {
        ...(this.#version === undefined ? {} : { version: this.#version }),
        ...(this.#fallback === undefined ? {} : { fallback: this.#fallback }),
        signal,
        onProgress: (progress) => {
          if (!signal.aborted) this.#become({ status: 'loading', progress })
        },
      })
      if (signal.aborted) return
      this.#follow(model)
      await this.#show(model)
    } catch (cause) {
      if (!signal.aborted) this.#fail(asAfieldError(cause, 'internal/unexpected', 'load() failed'))
    } finally {
      if (this.#underWay?.signal === signal) this.#underWay = undefined
    }
  }

  /** Which version serves may change at any time, and none may. */
  #follow(model: Model<N>): void {
    if (this.#following) return
    this.#following = true
    this.#afield.on('update', (event) => {
      if (event.model === this.#name) void this.#show(model)
    })
    this.#afield.on('refused', (event) => {
      if (event.model === this.#name) void this.#show(model)
    })
  }

  async #show(model: Model<N>): Promise<void> {
    try {
      // Nothing serves, also where that was switched off since it was loaded; something may answer all the same.
      const health = model.version === undefined ? await model.health() : undefined
      if (health && !health.answers && model.version === undefined) throw health.error
    } catch (cause) {
      return this.#fail(asAfieldError(cause, 'internal/unexpected', 'Nothing answers'))
    }
    const { version } = model
    if (this.#state.status === 'ready' && this.#state.version === version) return
    this.#become({
      status: 'ready',
      model,
      predict: (input, options) => model.predict(input, options),
      version,
    })
  }

  #fail(error: AfieldError): void {
    this.#become({ status: 'failed', error, retry: this.retry })
  }

  #become(state: ModelState<N>): void {
    this.#state = state
    for (const listener of this.#listeners) listener()
  }

  #abortUnwanted(): void {
    if (this.#listeners.size > 0 || this.#awaited || !this.#underWay) return
    this.#underWay.abort()
    this.#underWay = undefined
    this.#state = LOADING
  }
}
