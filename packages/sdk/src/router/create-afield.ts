import * as Comlink from 'comlink'
import { AfieldError, errorFromData, errorToData, toHex, utf8 } from '@afield/protocol'
import type {
  Afield,
  AfieldEvents,
  AfieldOptions,
  AfieldTelemetryOptions,
  LoadOptions,
  Model,
  PredictOptions,
} from '../api.js'
import { keepErrorCodes } from '../comlink-errors.js'
import { RUNTIME } from '../engine/runtime.js'
import { CHECK_EVERY_MS } from '../keeper/defaults.js'
import type { KeeperEvent, LogLevel, Logger } from '../keeper/ports.js'
import type { KeeperWorker, PageHost } from '../keeper/worker.js'
import { SDK_VERSION } from '../version.js'
import { abortable, throwIfAborted } from './abort.js'
import { Engines } from './engines.js'
import { PageMarks } from './marks.js'
import { Observer } from './observer.js'
import { deviceClass, privacyControl, startKeeperWorker } from './platform.js'
import { Route } from './route.js'

const SEAL_EVERY_MS = 15 * 60 * 1000
const TELEMETRY_FLOOR = 20
/** The first look for news waits for the first answer, but no longer than this. */
const FOLLOW_AFTER_MS = 2000

/**
 * Starts Afield on this page: a keeper worker now, an engine worker for each model that is loaded.
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

class PageAfield implements Afield {
  readonly #log: Logger
  readonly #worker: Worker
  readonly #keeper: Comlink.Remote<KeeperWorker>
  readonly #observer: Observer | undefined
  readonly #marks: PageMarks
  readonly #engines: Engines
  readonly #routes = new Map<string, Route>()
  readonly #listeners = new Set<(event: KeeperEvent) => void>()
  readonly #stopWatching = new AbortController()
  #lastTask = 0
  #following = false
  #dead: AfieldError | undefined
  #declareDead: (error: AfieldError) => void = () => undefined
  /** Rejects when the keeper can no longer answer. */
  readonly #death = new Promise<never>((_, reject) => (this.#declareDead = reject))

  constructor(options: AfieldOptions) {
    keepErrorCodes()
    // Heard only while a call waits for the keeper.
    this.#death.catch(() => undefined)
    this.#log = options.logger ?? consoleLogger
    const namespace = options.namespace ?? 'default'
    const life = toHex(crypto.getRandomValues(new Uint8Array(16)))
    const telemetry = allowedTelemetry(options.telemetry)
    this.#engines = new Engines(this.#log)
    this.#marks = new PageMarks(namespace, life)
    this.#worker = startKeeperWorker()
    this.#keeper = Comlink.wrap<KeeperWorker>(this.#worker)
    this.#worker.addEventListener('error', (event) => this.#keeperDied(event))
    this.#observer =
      telemetry &&
      new Observer(life, deviceClass(), (counts) => this.#alive(this.#keeper.observe([...counts])))
    const init = {
      namespace,
      life,
      repository: new URL(options.repository, location.href).href,
      root: utf8(typeof options.root === 'string' ? options.root : JSON.stringify(options.root)),
      policy: options.policy ?? 'local',
      checkEveryMs: options.checkEveryMs ?? CHECK_EVERY_MS,
      runtime: RUNTIME,
      browserBuild: navigator.userAgent,
      device: deviceClass(),
      telemetry: telemetry && {
        endpoint: new URL(telemetry.endpoint, location.href).href,
        key: telemetry.key,
        sealEveryMs: telemetry.sealEveryMs ?? SEAL_EVERY_MS,
        floor: telemetry.floor ?? TELEMETRY_FLOOR,
        sdk: SDK_VERSION,
      },
    } as const
    this.#background(this.#keeper.open(init, Comlink.proxy(this.#host())))
    this.#adoptMarks()
    this.#watchPage()
  }

  async load(name: string, options: LoadOptions = {}): Promise<Model> {
    const { version, signal, onProgress } = options
    const stop = onProgress && this.on('progress', (event) => event.model === name && onProgress(event))
    const route = this.#route(version === undefined ? name : `${name}@${version}`)
    if (!route.served) this.#engines.prepare()
    try {
      const request = version === undefined ? {} : { version }
      await this.#cancellable(signal, (task) => this.#keeper.load(name, request, task))
    } finally {
      stop?.()
      if (!route.served) this.#engines.dropSpare()
    }
    setTimeout(() => this.#follow(), FOLLOW_AFTER_MS)
    return this.#model(name, route)
  }

  check({ signal }: { readonly signal?: AbortSignal } = {}) {
    return this.#cancellable(signal, (task) => this.#keeper.check(task))
  }

  explain(name: string) {
    return this.#alive(this.#keeper.explain(name))
  }

  storage() {
    return this.#alive(this.#keeper.storage())
  }

  async telemetry() {
    await this.#observer?.handOver()
    return this.#alive(this.#keeper.telemetry())
  }

  async flush(): Promise<void> {
    await this.#observer?.handOver()
    await this.#alive(this.#keeper.flush())
  }

  on<T extends keyof AfieldEvents>(type: T, listener: (event: AfieldEvents[T]) => void): () => void {
    const filtered = (event: KeeperEvent): void => {
      if (event.type === type) listener(event as AfieldEvents[T])
    }
    this.#listeners.add(filtered)
    return () => this.#listeners.delete(filtered)
  }

  async close(): Promise<void> {
    this.#stopWatching.abort()
    try {
      await this.#observer?.handOver()
      await this.#alive(this.#keeper.close())
    } finally {
      for (const route of this.#routes.values()) route.close()
      this.#engines.close()
      this.#die(new AfieldError('closed', 'Afield was closed. Create it anew.'))
      this.#keeper[Comlink.releaseProxy]()
      this.#worker.terminate()
    }
  }

  #model(name: string, route: Route): Model {
    return {
      name,
      get version() {
        return route.served?.version
      },
      predict: async (record, { signal }: PredictOptions = {}) => {
        const prediction = await route.predict(record, signal)
        this.#follow()
        return prediction
      },
      explain: () => this.explain(route.name),
    }
  }

  /** What the keeper may do on this page. */
  #host(): PageHost {
    return {
      openEngine: async () => {
        const engine = this.#engines.take()
        return Comlink.transfer({ id: engine.id, supply: engine.supply }, [engine.supply])
      },
      engineGone: async (id) => {
        const error = await this.#engines.gone(id)
        return error && errorToData(error)
      },
      closeEngine: (id) => this.#engines.get(id)?.close(),
      serve: (name, id, served) => {
        const engine = this.#engines.get(id)
        if (engine) this.#route(name).serve(engine, served)
      },
      refuse: (name, error) => this.#route(name).refuse(errorFromData(error)),
      emit: (event) => {
        for (const listener of this.#listeners) listener(event)
      },
      log: (level, message, error) => this.#log(level, message, error),
    }
  }

  #route(name: string): Route {
    const known = this.#routes.get(name)
    if (known) return known
    const route = new Route(name, this.#observer, () => this.#alive(this.#keeper.recover(name)))
    this.#routes.set(name, route)
    return route
  }

  /** Looks for news only once the page has what it came for. */
  #follow(): void {
    if (this.#following || this.#dead) return
    this.#following = true
    this.#background(this.#keeper.follow())
  }

  async #cancellable<T>(signal: AbortSignal | undefined, call: (task: number) => Promise<T>): Promise<T> {
    throwIfAborted(signal)
    const task = ++this.#lastTask
    const abort = (): void => this.#background(this.#keeper.cancel(task))
    signal?.addEventListener('abort', abort, { once: true })
    try {
      return await abortable(this.#alive(call(task)), signal)
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  /** A dead worker never answers, so nothing waits for it alone. */
  async #alive<T>(call: Promise<T>): Promise<T> {
    if (this.#dead) throw this.#dead
    return Promise.race([call, this.#death])
  }

  #keeperDied(event: ErrorEvent): void {
    event.preventDefault()
    const what = event.message || 'its script could not be loaded'
    const error = new AfieldError(
      'internal/unexpected',
      `Afield's keeper worker failed: ${what}. Reload the page.`,
    )
    this.#log('error', error.message, error)
    this.#die(error)
  }

  #die(error: AfieldError): void {
    this.#dead = error
    this.#declareDead(error)
  }

  #adoptMarks(): void {
    const marks = this.#marks.read()
    if (marks.closedLives.length === 0) return
    this.#background(this.#keeper.adoptMarks(marks).then(() => this.#marks.forget(marks.closedLives)))
  }

  #watchPage(): void {
    const { signal } = this.#stopWatching
    const hide = (): void => {
      this.#marks.leave(this.#observer?.unconfirmed() ?? [])
      if (this.#observer) this.#background(this.#observer.handOver())
    }
    const show = (): void => {
      this.#background(this.#keeper.wake())
      // In view again, so a death from now on is no goodbye; what the mark carried is durable first.
      this.#background((this.#observer?.handOver() ?? Promise.resolve()).then(() => this.#marks.forget()))
    }
    addEventListener('pagehide', hide, { signal })
    addEventListener('online', () => this.#background(this.#keeper.wake()), { signal })
    document.addEventListener(
      'visibilitychange',
      () => {
        if (document.visibilityState === 'hidden') hide()
        else show()
      },
      { signal },
    )
  }

  #background(work: Promise<unknown>): void {
    work.catch((cause: unknown) => {
      const error = cause instanceof AfieldError ? cause : undefined
      this.#log('warn', error?.message ?? String(cause), error)
    })
  }
}

/** Off without a basis, and where the user told the browser not to share. */
function allowedTelemetry(asked: AfieldTelemetryOptions | undefined): AfieldTelemetryOptions | undefined {
  const bases: readonly unknown[] = ['consent', 'legitimate-interest']
  return asked && bases.includes(asked.basis) && !privacyControl() ? asked : undefined
}

const consoleLogger: Logger = (level: LogLevel, message: string, error?: AfieldError) => {
  if (level === 'debug' || level === 'info') return
  console[level](`afield: ${message}`, ...(error ? [error] : []))
}
