import * as Comlink from 'comlink'
import { AfieldError, asAfieldError, toHex } from '@afield/protocol'
import type { Afield, AfieldEvents, AfieldOptions, LoadOptions, Model } from '../api.js'
import { keepErrorCodes } from '../comlink-errors.js'
import { keeperWorkerUrl } from '../files.js'
import type { KeeperEvent, LogLevel, Logger } from '../keeper/ports.js'
import type { KeeperInit, KeeperWorker, PageHost } from '../keeper/worker.js'
import { abortable, throwIfAborted } from '../abort.js'
import type { ModelName } from '../models.js'
import { Engines } from './engines.js'
import { keeperInit } from './keeper-init.js'
import { Lifeline } from './lifeline.js'
import { PageMarks } from './marks.js'
import type { Observer } from './observer.js'
import { pageHost } from './page-host.js'
import { requirePage, watchPage } from './page.js'
import { Route } from './route.js'
import { startWorker, whyFailed } from './start-worker.js'

/** The first look for news waits for the first answer, but no longer than this. */
const FOLLOW_AFTER_MS = 2000
/** A keeper that cannot store the last counts in this time is ended without; the page's mark carries them. */
const FAREWELL_MS = 5000

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

interface StartedKeeper {
  readonly worker: Worker
  readonly keeper: Comlink.Remote<KeeperWorker>
}

/** What needs a browser. */
interface OpenPage {
  readonly init: KeeperInit
  /** Counts, once its code is here; only where the app sends telemetry. */
  observer: Observer | undefined
  counting: Promise<void> | undefined
  readonly marks: PageMarks
  readonly engines: Engines
}

class PageAfield implements Afield {
  readonly #options: AfieldOptions
  readonly #log: Logger
  readonly #routes = new Map<string, Route>()
  readonly #listeners = new Set<(event: KeeperEvent) => void>()
  readonly #stopWatching = new AbortController()
  /** What the app calls: ends when Afield is closed, or with the keeper. */
  readonly #calls = new Lifeline()
  /** The keeper's worker, which closing still needs. */
  readonly #keeperLife = new Lifeline()
  #opened: OpenPage | undefined
  #started: StartedKeeper | undefined
  #lastTask = 0
  #following = false
  #closing: Promise<void> | undefined

  constructor(options: AfieldOptions) {
    keepErrorCodes()
    this.#options = options
    this.#log = options.logger ?? consoleLogger
  }

  /**
   * Opened by the first call that needs it.
   *
   * @throws AfieldError `platform/unsupported` where there is no page.
   */
  get #page(): OpenPage {
    this.#opened ??= this.#openPage()
    return this.#opened
  }

  #openPage(): OpenPage {
    requirePage()
    const life = toHex(crypto.getRandomValues(new Uint8Array(16)))
    const init = keeperInit(this.#options, life)
    const page: OpenPage = {
      init,
      engines: new Engines(this.#log),
      marks: new PageMarks(init.namespace, life),
      observer: undefined,
      counting: undefined,
    }
    if (init.telemetry) page.counting = this.#startCounting(page)
    this.#watchPage(page)
    return page
  }

  async #startCounting(page: OpenPage): Promise<void> {
    const { life, device } = page.init
    try {
      const { Observer } = await import('./observer.js')
      page.observer = new Observer(
        life,
        device,
        (counts) => this.#keeperLife.hold(() => this.#keeper.observe([...counts])),
        (cause) => this.#complain(cause),
      )
    } catch (cause) {
      // Predictions are worth more than their count.
      this.#complain(cause)
    }
  }

  /** Started by the first call that needs it; a `load()` starts its engine first, which has the longer way to go. */
  get #keeper(): Comlink.Remote<KeeperWorker> {
    return this.#startKeeper().keeper
  }

  #startKeeper(): StartedKeeper {
    if (this.#started) return this.#started
    const { init, marks } = this.#page
    const script = keeperWorkerUrl()
    const worker = startWorker(script, 'afield keeper')
    const keeper = Comlink.wrap<KeeperWorker>(worker)
    this.#started = { worker, keeper }
    worker.addEventListener('error', (event) => this.#keeperDied(event, script))
    this.#background(() => keeper.open(init, Comlink.proxy(this.#host())))
    this.#background(async () => {
      const left = marks.read()
      if (left.closedLives.length === 0) return
      await keeper.adoptMarks(left)
      marks.forget(left.closedLives)
    })
    return this.#started
  }

  async load<N extends ModelName>(name: N, options: LoadOptions = {}): Promise<Model<N>> {
    this.#calls.throwIfCut()
    const { engines, counting } = this.#page
    const { version, signal, onProgress } = options
    const path = version === undefined ? name : `${name}@${version}`
    if (!this.#routes.get(path)?.served) engines.prepare()
    if (counting) {
      this.#startKeeper()
      await counting
    }
    const stop = onProgress && this.on('progress', (event) => event.model === name && onProgress(event))
    const route = this.#route(path)
    try {
      const request = version === undefined ? {} : { version }
      const loaded = this.#cancellable(signal, (task) => this.#keeper.load(name, request, task))
      // The keeper would only repeat what the page knows as soon as an engine begins to serve.
      await (route.served ? loaded : Promise.race([loaded, route.nextServe()]))
    } catch (error) {
      // What was switched off or out of reach may be back at the next look; what the app gave up is not looked for.
      if (!signal?.aborted) this.#follow()
      throw error
    } finally {
      stop?.()
      if (!route.served) engines.dropSpare()
    }
    setTimeout(() => this.#follow(), FOLLOW_AFTER_MS)
    return this.#model(name, route)
  }

  check({ signal }: { readonly signal?: AbortSignal } = {}) {
    return this.#cancellable(signal, (task) => this.#keeper.check(task))
  }

  explain(name: string) {
    return this.#calls.hold(async () => (await words()).explain(await this.#keeper.explain(name)))
  }

  versions(name: string) {
    return this.#calls.hold(() => this.#keeper.versions(name))
  }

  storage() {
    return this.#calls.hold(async () => (await words()).describeStorage(await this.#keeper.storage()))
  }

  persist(): Promise<boolean> {
    // Workers are not let in there.
    return this.#calls.hold(async () => {
      requirePage()
      return (await navigator.storage?.persist?.()) ?? false
    })
  }

  remove(name: string, options: { readonly version?: string } = {}): Promise<void> {
    return this.#calls.hold(() => this.#keeper.remove(name, options))
  }

  telemetry() {
    return this.#calls.hold(async () => {
      await this.#page.counting
      await this.#page.observer?.handOver()
      return this.#keeper.telemetry()
    })
  }

  flush(): Promise<void> {
    return this.#calls.hold(async () => {
      await this.#page.counting
      await this.#page.observer?.handOver()
      await this.#keeper.flush()
    })
  }

  on<T extends keyof AfieldEvents>(type: T, listener: (event: AfieldEvents[T]) => void): () => void {
    const filtered = (event: KeeperEvent): void => {
      if (event.type === type) listener(event as AfieldEvents[T])
    }
    this.#listeners.add(filtered)
    return () => this.#listeners.delete(filtered)
  }

  close(): Promise<void> {
    this.#closing ??= this.#shutDown()
    return this.#closing
  }

  /** From the page inwards: answers first, then their counts, then whoever stores those. */
  async #shutDown(): Promise<void> {
    const closed = new AfieldError('closed', 'Afield was closed. Create it anew.')
    this.#calls.cut(closed)
    if (!this.#opened || !this.#started) return this.#stopWatching.abort()
    const { engines, marks, counting } = this.#opened
    const drained = [...this.#routes.values()].map((route) => route.close(closed))
    await engines.close()
    await Promise.all(drained)
    await counting
    const { observer } = this.#opened
    const patience = setTimeout(() => this.#keeperLife.cut(closed), FAREWELL_MS)
    try {
      await observer?.handOver()
      await this.#keeperLife.hold(() => this.#keeper.close())
    } catch (cause) {
      this.#complain(cause)
    } finally {
      clearTimeout(patience)
      this.#stopWatching.abort()
      // A trial that was under way is no death, and counts that found no storage wait for the next visit.
      marks.leave(observer?.unconfirmed(true) ?? [])
      observer?.close()
      this.#keeperLife.cut(closed)
      this.#keeper[Comlink.releaseProxy]()
      this.#started?.worker.terminate()
    }
  }

  #model<N extends ModelName>(name: N, route: Route): Model<N> {
    const model: Model = {
      name,
      get version() {
        return route.served?.version
      },
      predict: async (input, given) => {
        const prediction = await route.predict(input, given)
        this.#follow()
        return prediction
      },
      predictMany: async (candidates, given) => {
        const predictions = await route.predictMany(candidates, given)
        this.#follow()
        return predictions
      },
      benchmark: async (given = {}) => {
        // A file of its own, which only those load who measure.
        const { benchmark } = await import('./benchmark.js')
        return benchmark(route, given, () => this.#calls.hold(() => this.#keeper.golden(route.name)))
      },
      explain: () => this.explain(route.name),
    }
    // What a model answers is checked against its contract; which type that is, `afield types` told the compiler.
    return model as Model<N>
  }

  #host(): PageHost {
    return pageHost({
      app: this.#options,
      engines: this.#page.engines,
      route: (name) => this.#route(name),
      isClosing: () => this.#closing !== undefined,
      emit: (event) => this.#listeners.forEach((listener) => listener(event)),
      observer: () => this.#page.observer,
      log: this.#log,
    })
  }

  #route(name: string): Route {
    const known = this.#routes.get(name)
    if (known) return known
    const route = new Route(name, this.#page.observer, () =>
      this.#calls.hold(() => this.#keeper.recover(name)),
    )
    this.#routes.set(name, route)
    return route
  }

  /** Looks for news only once the page has what it came for. */
  #follow(): void {
    if (this.#following || this.#calls.end) return
    this.#following = true
    this.#background(() => this.#keeper.follow())
  }

  async #cancellable<T>(signal: AbortSignal | undefined, call: (task: number) => Promise<T>): Promise<T> {
    this.#calls.throwIfCut()
    throwIfAborted(signal)
    const task = ++this.#lastTask
    const abort = (): void => this.#background(() => this.#keeper.cancel(task))
    signal?.addEventListener('abort', abort, { once: true })
    try {
      return await abortable(
        this.#calls.hold(() => call(task)),
        signal,
      )
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  #keeperDied(event: ErrorEvent, script: URL): void {
    event.preventDefault()
    const what = whyFailed(event, script)
    const error = new AfieldError(
      'internal/unexpected',
      `Afield's keeper worker failed: ${what}. Reload the page.`,
    )
    this.#log('error', error.message, error)
    this.#calls.cut(error)
    this.#keeperLife.cut(error)
  }

  #watchPage(page: OpenPage): void {
    const { marks } = page
    const handOver = async (): Promise<void> => page.observer?.handOver()
    const wake = (): void => this.#background(() => this.#keeper.wake())
    const hide = (isLast: boolean): void => {
      marks.leave(page.observer?.unconfirmed(isLast) ?? [])
      this.#background(handOver)
    }
    const show = (): void => {
      wake()
      // In view again, so a death from now on is no goodbye; what the mark carried is durable first.
      this.#background(async () => {
        await handOver()
        marks.forget()
      })
    }
    watchPage({ hide, show, online: wake }, this.#stopWatching.signal)
  }

  /** Work that no call of the app waits for. */
  #background(work: () => Promise<unknown>): void {
    this.#calls.hold(work).catch((cause: unknown) => {
      // Whoever ended Afield knows why already.
      if (cause !== this.#calls.end) this.#complain(cause)
    })
  }

  #complain(cause: unknown): void {
    const error = asAfieldError(cause, 'internal/unexpected', 'Background work failed')
    // The keeper says that once.
    if (error.code === 'telemetry/unavailable') return
    this.#log('warn', error.message, error)
  }
}

/** Apart, so that an app's first load does not carry what only its help page says. */
const words = () => import('../words/words.js')

const consoleLogger: Logger = (level: LogLevel, message: string, error?: AfieldError) => {
  if (level === 'debug' || level === 'info') return
  console[level](`afield: ${message}`, ...(error ? [error] : []))
}
