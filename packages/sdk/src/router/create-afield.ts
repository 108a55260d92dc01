import { AfieldError, invalidInput, type Outputs } from '@afield/protocol'
import type { Afield, AfieldEvent, AfieldEvents, AfieldOptions, LoadOptions, Model } from '../api.js'
import { throwIfAborted } from '../abort.js'
import type { LogLevel, Logger } from '../keeper/ports.js'
import type { ModelName } from '../models.js'
import type { Engines } from './engines.js'
import { isOdd, isOddNamed, modelCalls, partMissing } from './given.js'
import { guardOf } from './guarded.js'
import type { RemoteKeeper } from './keeper-client.js'
import { Lifeline } from './lifeline.js'
import { modelHandle } from './model-handle.js'
import { OpenPage } from './open-page.js'
import { requirePage } from './page.js'
import type { Route } from './route.js'
import { shutDown } from './shut-down.js'

/** All of them, or this does not compile. */
const EVENTS: Readonly<Record<keyof AfieldEvents, 1>> = {
  backend: 1,
  checked: 1,
  progress: 1,
  refused: 1,
  rejected: 1,
  slo: 1,
  update: 1,
}
/** The first look for news waits for the first answer, but no longer than this. */
const FOLLOW_AFTER_MS = 2000

/**
 * Afield for this app. Nothing happens until the first call, so a module may create it that a server imports too; then
 * a keeper worker starts on this page, and an engine worker for each model that is loaded.
 *
 * @example
 * import { createAfield } from 'afield'
 * import root from './1.root.json'
 *
 * const afield = createAfield({ repository: 'https://models.example.com/', root })
 * const model = await afield.load('learner-risk')
 * const { outputs, modelVersion } = await model.predict({ hours_studied: 4, quiz_score: 61 })
 */
export function createAfield(options: AfieldOptions): Afield {
  return new PageAfield(options)
}

/** What an app may call; {@link OpenPage} is what answers. */
class PageAfield implements Afield {
  readonly #options: AfieldOptions
  readonly #listeners = new Set<(event: AfieldEvent) => void>()
  readonly #calls = new Lifeline()
  #opened: OpenPage | undefined
  /** Calls of `load()` that are under way. */
  #loads = 0
  #closing: Promise<void> | undefined

  constructor(options: AfieldOptions) {
    this.#options = options
  }

  get #page(): OpenPage {
    return this.#open()
  }

  /** Opened by the first call that needs it. @param prepare starts an engine in advance. */
  #open(prepare?: (engines: Engines) => void): OpenPage {
    this.#opened ??= new OpenPage({
      app: this.#options,
      calls: this.#calls,
      emit: (event) => this.#emit(event),
      isHeard: () => this.#listeners.size > 0,
      log: this.#options.logger ?? consoleLogger,
      prepare,
    })
    return this.#opened
  }

  async load<N extends ModelName>(name: N, options?: LoadOptions<Outputs, never>): Promise<Model<N>> {
    this.#calls.throwIfCut()
    const { version, fallback, signal, onProgress, ...serving } = options ?? {}
    if (isOddNamed(name, options)) (await modelCalls()).checkNamed(name, options)
    throwIfAborted(signal)
    const prepare = (engines: Engines): void => {
      if (Number(serving.workers) > 1) engines.isPooled = true
      if (!this.#opened?.routes.get(routeName)?.served) engines.prepare()
    }
    const routeName = version === undefined ? name : `${name}@${version}`
    const page = this.#open(prepare)
    const { engines, keeper } = page
    // Both workers start before anything is waited for.
    prepare(engines)
    keeper.start()
    const stop = onProgress && this.on('progress', (event) => event.model === name && onProgress(event))
    let route: Route | undefined
    const ask = () => keeper.cancellable(signal, (remote, task) => remote.load(name, { version }, task))
    const isServing = Object.keys(serving).length > 0
    // The code of routes comes meanwhile. Options that may be refused are looked at first.
    const asked = isServing ? undefined : ask()
    // Also where that code does not come.
    asked?.catch(() => undefined)
    this.#loads += 1
    try {
      route = await page.route(routeName)
      if (isServing) await route.configure(serving)
      const loaded = asked ?? ask()
      await Promise.all([
        // The keeper would only repeat what the page knows as soon as an engine begins to serve.
        route.served ? loaded : Promise.race([loaded, route.nextServe()]),
        fallback && guardOf(page, route, fallback),
      ])
    } catch (error) {
      // What was switched off or out of reach may be back at the next look; what the app gave up is not looked for.
      if (!signal?.aborted) page.follow()
      const guard = await route?.guard
      if (!route || !guard) throw error
      guard.missing(error)
    } finally {
      stop?.()
      // Nobody takes it any more, unless another load still may.
      if (--this.#loads === 0) engines.dropSpare()
    }
    setTimeout(() => page.follow(), FOLLOW_AFTER_MS)
    return modelHandle(name, route, page, () => this.explain(routeName))
  }

  async check(options?: { readonly signal?: AbortSignal }) {
    this.#calls.throwIfCut()
    if (isOdd(options)) (await modelCalls()).checkOptions(options)
    return this.#page.keeper.cancellable(options?.signal, (keeper, task) => keeper.check(task))
  }

  explain(name: string) {
    return this.#askOf(name, async (keeper) => (await words()).explain(await keeper.explain(name)))
  }

  versions(name: string) {
    return this.#askOf(name, (keeper) => keeper.versions(name))
  }

  storage() {
    return this.#ask(async (keeper) => (await words()).describeStorage(await keeper.storage()))
  }

  persist(): Promise<boolean> {
    // Workers are not let in there.
    return this.#calls.hold(async () => {
      requirePage()
      return (await navigator.storage?.persist?.()) ?? false
    })
  }

  remove(name: string, options?: { readonly version?: string }): Promise<void> {
    return this.#askOf(name, (keeper) => keeper.remove(name, { version: options?.version }), options)
  }

  telemetry() {
    return this.#ask(async (keeper) => {
      await this.#page.counting.handOver()
      return keeper.telemetry()
    })
  }

  flush(): Promise<void> {
    return this.#ask(async (keeper) => {
      await this.#page.counting.handOver()
      await keeper.flush()
    })
  }

  on<T extends keyof AfieldEvents>(type: T, listener: (event: AfieldEvents[T]) => void): () => void {
    if (!Object.hasOwn(EVENTS, type)) {
      throw invalidInput('type', 'unknown', `takes ${Object.keys(EVENTS).join(', ')}`)
    }
    if (typeof listener !== 'function') throw invalidInput('listener', 'mistyped', 'takes a function')
    const filtered = (event: AfieldEvent): void => {
      if (event.type === type) listener(event as AfieldEvents[T])
    }
    this.#listeners.add(filtered)
    return () => this.#listeners.delete(filtered)
  }

  close(): Promise<void> {
    this.#closing ??= this.#shutDown()
    return this.#closing
  }

  async #shutDown(): Promise<void> {
    const closed = new AfieldError('closed', 'Afield was closed. Create it anew.')
    this.#calls.cut(closed)
    if (this.#opened) await shutDown(this.#opened, closed)
  }

  async #ask<T>(call: (keeper: RemoteKeeper) => Promise<T>): Promise<T> {
    this.#calls.throwIfCut()
    return this.#page.keeper.ask(call)
  }

  /** Of one model. */
  async #askOf<T>(
    name: string,
    call: (keeper: RemoteKeeper) => Promise<T>,
    options?: { readonly version?: string },
  ): Promise<T> {
    this.#calls.throwIfCut()
    if (isOddNamed(name, options)) (await modelCalls()).checkNamed(name, options)
    return this.#ask(call)
  }

  #emit(event: AfieldEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event)
      } catch (cause) {
        // As in an event handler of the page: its fault shows in the console and takes nobody along.
        reportError(cause)
      }
    }
  }
}

/** Apart, so that an app's first load does not carry what only its help page says. */
const words = () => import('../words/words.js').catch(partMissing)

const consoleLogger: Logger = (level: LogLevel, message: string, error?: AfieldError) => {
  if (level === 'debug' || level === 'info') return
  console[level](`afield: ${message}`, ...(error ? [error] : []))
}
