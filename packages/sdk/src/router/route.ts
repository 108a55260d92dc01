import { AfieldError, asAfieldError } from '@afield/protocol'
import type {
  PinnedModel,
  PredictManyOptions,
  PredictOptions,
  Prediction,
  Predictions,
  ServingOptions,
} from '../api.js'
import type { Load } from '../keeper/engines/port.js'
import type { Served, Terms } from '../keeper/ports.js'
import { Call, type Again, type Settled } from './call.js'
import { EngineSet, type EngineSetOptions } from './engine-set.js'
import type { Member } from './member.js'
import type { Counts } from './counts.js'
import { partMissing } from './given.js'
import type { Guard } from './guard.js'
import { Provision } from './provision.js'
import { Revival, noEngine, type Revived } from './revival.js'
import { followOn, type Failed, type Stream } from './stream.js'

/** What counts what became of predictions and of versions. */
export type RouteCounts = Pick<Counts, 'answered' | 'failed' | 'reached'> & Partial<Pick<Counts, 'ran'>>

/** What a route asks of the keeper. What these bring serves, by {@link Route.serve}, before they resolve. */
export interface RouteCalls {
  /** Another engine of what should serve. */
  recover(): Promise<void>
  /** WASM, since the backend that serves failed. */
  demote(error: AfieldError): Promise<void>
  /** One engine more of what serves; `undefined` where something else serves by now. */
  grow(): Promise<Member | undefined>
  /** Another backend for what serves: says how many ms of inference from now on to ask again. */
  consider(load: Load): Promise<number>
}

/** Where predictions for one model go now: a set of engines, a recovery that is under way, or an error. */
export class Route implements Revived {
  readonly name: string
  /** The model that it is named after, and the version, where one was asked for. */
  readonly model: string
  readonly version: string | undefined
  readonly calls: RouteCalls
  /** What answers for it where it cannot; see {@link guardOf}. */
  guard: Guard | Promise<Guard | undefined> | undefined
  /** Hears of each call that failed, and what served it; not of streams, which are asked past whatever it leaves out. */
  onFailed: ((error: AfieldError, by: Served | undefined) => void) | undefined
  readonly #counts: RouteCounts | undefined
  readonly #options = { maxQueue: 10_000, hungAfterMs: 30_000, cache: 0 } satisfies EngineSetOptions
  #set: EngineSet | undefined
  /** Sets that served before and have not ended: streams may be pinned to them. */
  readonly #retired = new Set<EngineSet>()
  /** What served last, also after a refusal: errors are counted for it. */
  #lastServed: Served | undefined
  /** What serves where another version was meant to. */
  readonly #standIns = new WeakSet<Served>()
  #refusal: AfieldError | undefined
  #closed: AfieldError | undefined
  readonly #revival = new Revival(this)
  readonly #provision: Provision
  readonly #askAgain: Again = (call, error) => this.#revival.askAgain(call, error)
  #underWay = 0
  #waiting: (() => void)[] = []
  #drained: () => void = () => undefined

  constructor(name: string, counts: RouteCounts | undefined, calls: RouteCalls) {
    this.name = name
    const [model = name, version] = name.split('@')
    this.model = model
    this.version = version
    this.#counts = counts
    this.calls = calls
    this.#provision = new Provision(calls)
  }

  /** `undefined` while nothing may serve. */
  get served(): Served | undefined {
    return this.#refusal ? undefined : this.#set?.served
  }

  /** What serves; `undefined` while nothing does. */
  get set(): EngineSet | undefined {
    return this.#set?.isAlive && !this.#refusal ? this.#set : undefined
  }

  get lastSet(): EngineSet | undefined {
    return this.#set
  }

  get refusal(): AfieldError | undefined {
    return this.#refusal
  }

  get maxQueue(): number {
    return this.#options.maxQueue
  }

  /**
   * What is given holds from now on; what is left out stays.
   *
   * @throws AfieldError `input/invalid`, with the option as `details.field`; `engine/unavailable`.
   */
  async configure(given: ServingOptions): Promise<void> {
    const options = this.#options
    // A file of its own: most apps leave it all as it is.
    const { checkServing } = await import('./serving-options.js').catch(partMissing)
    checkServing(given)
    const { maxQueue = options.maxQueue, hungAfterMs = options.hungAfterMs, cache } = given
    Object.assign(options, { maxQueue, hungAfterMs, cache: cache ?? options.cache })
    for (const set of this.#set ? [this.#set, ...this.#retired] : this.#retired) {
      set.heedLimit()
      if (cache !== undefined) set.keepAnswers(cache)
    }
    this.#provision.configure(given)
  }

  /** New predictions go to this engine; those before it answer what they were asked, and end. */
  serve(engine: Member, served: Served, terms: Terms): void {
    if (this.#closed) return engine.end(undefined)
    const before = this.#set
    this.#lastServed = served
    if (terms.standsIn) this.#standIns.add(served)
    this.#refusal = undefined
    if (before?.isAlive && engine.owner === before) {
      before.served = served
      before.terms = terms
    } else {
      const set = new EngineSet(served, terms, this.#options, {
        lost: (from, calls, error) => this.#lost(from, calls, error),
        ran: (by, ms, together) => {
          this.#counts?.ran?.(by.served, ms, together)
          this.#provision.ran(by)
        },
      })
      set.add(engine)
      this.#set = set
      if (before) this.#retire(before)
      this.#provision.begin(set)
    }
    for (const set of this.#retired) {
      if (terms.withdrawn.includes(set.served.version)) set.holds.cutPins(revoked(set.served))
    }
    this.#revival.settle(noEngine())
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** Resolves when an engine next begins to serve. */
  nextServe(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  refuse(error: AfieldError): void {
    this.#refusal = error
    if (this.#set) this.#retire(this.#set)
    for (const set of this.#retired) set.holds.cutPins(error)
    this.#set = undefined
    this.#provision.end()
    this.#revival.settle(error)
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

  /** @param stream asks what it is pinned to; else whatever serves answers. */
  predict(input: unknown, options: PredictOptions = {}, stream?: Stream): Promise<Prediction> {
    if (this.#closed) return Promise.reject(this.#closed)
    const { signal, state } = options
    return new Promise((resolve, reject) => {
      const began = performance.now()
      const lastServed = this.#lastServed
      const tell = (settled: Settled): void => {
        const by = call.by ?? lastServed
        const now = performance.now()
        const latencyMs = now - began
        if (settled instanceof AfieldError || !by) {
          const error = settled instanceof AfieldError ? settled : noEngine()
          if (by) this.#counts?.failed(by, error.code)
          if (!stream) this.onFailed?.(error, by)
          reject(error)
        } else {
          this.#counts?.answered(by, latencyMs, now)
          const { model, version: modelVersion, backend } = by
          const { outputs, state: next, cached } = settled
          const prediction = {
            outputs,
            model,
            modelVersion,
            servedBy: this.servedBy(by),
            backend,
            latencyMs,
          } satisfies Prediction
          // Most have neither, and copying one object into another takes longer than all the rest here.
          if (next) Object.assign(prediction, { state: next })
          if (cached) Object.assign(prediction, { cached })
          resolve(prediction)
        }
        this.#ended()
      }
      const call = new Call({ input, state }, tell, stream ? followOn(stream) : this.#askAgain)
      this.#underWay += 1
      if (signal) call.listen(signal)
      if (stream) stream.set.ask(call)
      else this.#ask(call)
    })
  }

  async predictMany(
    candidates: readonly unknown[],
    options: PredictManyOptions = {},
    stream?: Stream,
  ): Promise<Predictions> {
    if (this.#closed) throw this.#closed
    const began = performance.now()
    this.#underWay += 1
    // What serves now answers, also where it is replaced before the code is here.
    const first = stream?.set ?? this.set
    const by = first?.served ?? this.#lastServed
    const release = first?.holds.hold()
    try {
      const { predictMany } = await loadPredictMany()
      return await predictMany(
        { route: this, first, next: stream?.next, counts: this.#counts, began },
        candidates,
        options,
      )
    } catch (cause) {
      const error = asAfieldError(cause, 'internal/unexpected', 'The model could not be asked')
      // What is no array is refused as one call.
      const times = Array.isArray(candidates) ? candidates.length : 1
      if (by) this.#counts?.failed(by, error.code, times)
      if (!stream) this.onFailed?.(error, by)
      throw error
    } finally {
      release?.()
      this.#ended()
    }
  }

  servedBy(by: Served): 'model' | 'previous' {
    return this.#standIns.has(by) ? 'previous' : 'model'
  }

  /** Uncounted. All that one call asks is answered by one version, also when another begins to serve meanwhile. */
  async ask<T>(ask: (set: EngineSet) => Promise<T>): Promise<{ readonly answered: T; readonly by: Served }> {
    const set = await this.ready()
    const release = set.holds.hold()
    try {
      return { answered: await ask(set), by: set.served }
    } finally {
      release()
    }
  }

  /** See `Model.pin`. */
  async pin(): Promise<PinnedModel> {
    const set = await this.ready()
    const release = set.holds.hold()
    try {
      const { Pinned } = await import('./pinned.js').catch(partMissing)
      // Switched off meanwhile, nobody would let go of it.
      if (set.holds.cut) throw set.holds.cut
      return new Pinned(this, set)
    } finally {
      release()
    }
  }

  /** What serves, brought back where it was lost. @param failed until now. */
  async ready(failed?: Failed): Promise<EngineSet> {
    const isWrong = failed?.error.code === 'engine/wrong-answer' && failed.set === this.set
    if (isWrong || (!this.set && !this.#refusal)) await this.#revival.revive(failed?.error)
    if (this.set) return this.set
    throw this.#refusal ?? noEngine()
  }

  #ask(call: Call): void {
    if (this.#refusal) return call.settle(this.#refusal)
    const set = this.#set
    if (set?.isAlive) return set.ask(call)
    this.#revival.ask(call)
  }

  #lost(set: EngineSet, calls: readonly Call[], error: AfieldError): void {
    for (const call of calls) {
      if (call.again) call.again(call, error)
      else call.settle(error)
    }
    // A device that went away is replaced before somebody asks, and is remembered for what it did.
    const isOver = set === this.#set && error.code !== 'closed'
    if (isOver && set.served.backend !== 'wasm') this.#revival.revive(error).catch(() => undefined)
  }

  /** It answers what it was asked, and what is pinned to it, and ends. */
  #retire(set: EngineSet): void {
    if (set.isAlive) this.#retired.add(set)
    const forget = (): boolean => !set.isAlive && this.#retired.delete(set)
    for (const { gone } of set.members) void gone.then(forget)
    set.retire()
  }

  #ended(): void {
    this.#underWay -= 1
    if (this.#underWay === 0) this.#drained()
  }
}

let predictingMany: Promise<typeof import('./predict-many.js')> | undefined

/** A file of its own, which only those load who ask many at once. */
function loadPredictMany(): Promise<typeof import('./predict-many.js')> {
  predictingMany ??= import('./predict-many.js').catch((cause: unknown) => {
    predictingMany = undefined
    return partMissing(cause)
  })
  return predictingMany
}

function revoked({ model, version }: Served): AfieldError {
  return new AfieldError('model/revoked', `${model} ${version} may not run any more. Pin the model again.`)
}
