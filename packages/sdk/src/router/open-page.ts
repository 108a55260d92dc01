import { errorToData, toHex } from '@afield/protocol'
import type { AfieldEvent, AfieldOptions } from '../api.js'
import type { Logger } from '../keeper/ports.js'
import { Background } from './background.js'
import { Counting } from './counting.js'
import { Engines } from './engines.js'
import { KeeperClient } from './keeper-client.js'
import type { KeeperInit } from '../keeper/worker.js'
import { partMissing } from './given.js'
import { keeperInit } from './keeper-init.js'
import type { Lifeline } from './lifeline.js'
import { PageMarks } from './marks.js'
import { pageHost } from './page-host.js'
import { requirePage, watchPage } from './page.js'
import type { Route, RouteCalls } from './route.js'

export interface OpenPageOptions {
  readonly app: AfieldOptions
  /** What the app calls: ends when Afield is closed, or with the keeper. */
  readonly calls: Lifeline
  readonly emit: (event: AfieldEvent) => void
  /** Whether anybody listens to events. */
  readonly isHeard: () => boolean
  readonly log: Logger
  /** Called as soon as engines can be started: they have the longest way to go. */
  readonly prepare: ((engines: Engines) => void) | undefined
}

/** What needs a browser, put together: the only place that knows which part of the page stands on which. */
export class OpenPage {
  readonly engines: Engines
  readonly keeper: KeeperClient
  readonly marks: PageMarks
  readonly counting: Counting
  readonly background: Background
  readonly routes = new Map<string, Route>()
  readonly calls: Lifeline
  readonly #stopWatching = new AbortController()
  #following = false

  /**
   * @throws AfieldError `platform/unsupported` where there is no page; `input/invalid` for an option that is no URL.
   */
  constructor(options: OpenPageOptions) {
    requirePage()
    const { app, calls, emit, log } = options
    this.engines = new Engines(log, (report, engine) => this.counting.reported(report, engine))
    options.prepare?.(this.engines)
    const life = toHex(crypto.getRandomValues(new Uint8Array(16)))
    const init = this.#initOf(app, life)
    this.calls = calls
    this.marks = new PageMarks(init.namespace, life)
    this.background = new Background(calls, log)
    this.counting = new Counting(
      async () => {
        const { Recording } = await import('./recording.js')
        return new Recording(this, options, init)
      },
      (cause) => this.background.complain(cause),
    )
    const host = pageHost({
      app,
      engines: this.engines,
      route: (name) => this.route(name),
      isClosing: () => calls.end !== undefined,
      emit,
      counts: this.counting,
      log,
    })
    const { background, marks } = this
    this.keeper = new KeeperClient({ init, host, marks, calls, background, log })
    // What telemetry needs from the start is otherwise there after the first answer.
    if (init.telemetry) void this.counting.open()
    this.#watch()
  }

  /**
   * The code of routes is a file of its own: it comes while the workers start, which takes longer.
   *
   * @param name the model's, or `name@version` where a version was asked for.
   */
  async route(name: string): Promise<Route> {
    const known = this.routes.get(name)
    if (known) return known
    const { Route } = await import('./route.js').catch(partMissing)
    const made = this.routes.get(name) ?? new Route(name, this.counting, this.#callsFor(name))
    this.routes.set(name, made)
    return made
  }

  /** Whether {@link follow} was called already. */
  get isFollowing(): boolean {
    return this.#following
  }

  /** Looks for news, only once the page has what it came for. */
  follow(): void {
    if (this.#following || this.calls.end) return
    this.#following = true
    this.background.run(() => this.keeper.remote.follow())
  }

  /** From now on it is nobody's concern what becomes of the page. */
  leave(): void {
    this.#stopWatching.abort()
  }

  #initOf(app: AfieldOptions, life: string): KeeperInit {
    try {
      return keeperInit(app, life)
    } catch (error) {
      this.engines.dropSpare()
      throw error
    }
  }

  #callsFor(name: string): RouteCalls {
    const { keeper, engines } = this
    return {
      recover: () => keeper.ask((remote) => remote.recover(name)),
      demote: (error) => keeper.ask((remote) => remote.demote(name, errorToData(error))),
      grow: async () => {
        const id = await keeper.ask((remote) => remote.grow(name))
        return id === undefined ? undefined : engines.get(id)
      },
      consider: (load) => keeper.ask((remote) => remote.consider(name, load)),
    }
  }

  #watch(): void {
    const { background, counting, keeper, marks } = this
    const handOver = async (): Promise<void> => counting.handOver()
    const wake = (): void => background.run(() => keeper.remote.wake())
    let isHidden = false
    const hide = (isLast: boolean): void => {
      isHidden = true
      marks.leave(counting.unconfirmed(isLast) ?? [])
      background.run(handOver)
    }
    const show = (): void => {
      isHidden = false
      wake()
      // In view again, so a death from now on is no goodbye; what the mark carried is durable first.
      background.run(async () => {
        await handOver()
        // Out of view again by then, it left another.
        if (!isHidden) marks.forget()
      })
    }
    watchPage({ hide, show, online: wake }, this.#stopWatching.signal)
  }
}
