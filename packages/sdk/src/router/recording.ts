import { AfieldError, errorFromData, errorToData, type ErrorCode, type FunnelStep } from '@afield/protocol'
import type { EngineReport } from '../engine/messages.js'
import type { Served } from '../keeper/ports.js'
import type { Observation } from '../keeper/telemetry/port.js'
import type { KeeperInit } from '../keeper/worker.js'
import type { Counts } from './counts.js'
import type { ModelCounts } from './monitor/model-counts.js'
import { Monitor } from './monitor/monitor.js'
import type { DriftReport, Stats } from './monitor/reports.js'
import type { Watching } from './monitor/watching.js'
import type { Counted } from './health.js'
import { Observer } from './observer.js'
import type { OpenPage, OpenPageOptions } from './open-page.js'
import type { Route } from './route.js'

/** An engine that does not tell of itself within this time is read without. */
const REPORT_WITHIN_MS = 1000
const LOOK_EVERY_MS = 1000

/**
 * All that counts on a page: the monitor, for the app itself, and where telemetry is on the observer. A file of its own,
 * and what reads the counts is more of them, loaded when somebody asks.
 */
export class Recording implements Counts {
  readonly #monitor: Monitor
  readonly #page: OpenPage
  readonly #options: OpenPageOptions
  readonly #observer: Observer | undefined
  readonly #heapBytes = new Map<number, number>()
  readonly #awaited = new Map<number, () => void>()
  #opening: Promise<Watching> | undefined
  #watching: Watching | undefined
  /** Once by itself; where that fails, when somebody asks. */
  #isOpened = false

  constructor(page: OpenPage, options: OpenPageOptions, { telemetry, life, device }: KeeperInit) {
    const { keeper, background } = page
    this.#page = page
    this.#options = options
    this.#monitor = new Monitor({
      runBudgetMs: (served) => this.#watching?.runBudgetMs(served),
      onDoubt: (served, why) => this.#doubt(served, why),
      onCounted: (model, now) => this.#look(model, now),
    })
    this.#observer =
      telemetry &&
      new Observer(
        life,
        device,
        (counts) => keeper.life.hold(() => keeper.remote.observe([...counts])),
        (cause) => background.complain(cause),
      )
  }

  answered(served: Served, ms: number, now: number): void {
    this.#monitor.answered(served, ms, now)
    this.#observer?.answered(served, ms)
  }

  failed(served: Served, code: ErrorCode, times = 1): void {
    this.#monitor.failed(served, code, times)
    this.#observer?.failed(served, code, times)
  }

  reached(served: Served, step: FunnelStep, code: ErrorCode | undefined): void {
    this.#observer?.reached(served, step, code)
  }

  ran(served: Served, ms: number, together: number): void {
    this.#monitor.ran(served, ms, together)
  }

  fellBack(...given: Parameters<Counts['fellBack']>): void {
    this.#monitor.fellBack(...given)
  }

  reported({ heapBytes, tallied, unreadable }: EngineReport, engine: number): void {
    this.#heapBytes.set(engine, heapBytes)
    if (tallied) this.#monitor.tallied(tallied)
    if (unreadable) this.#page.background.complain(errorFromData(unreadable))
    this.#awaited.get(engine)?.()
    this.#awaited.delete(engine)
  }

  handOver(): Promise<void> | undefined {
    return this.#observer?.handOver()
  }

  unconfirmed(isLast: boolean): readonly Observation[] {
    return this.#observer?.unconfirmed(isLast) ?? []
  }

  close(): void {
    this.#observer?.close()
    this.#watching?.close()
  }

  async stats(route: Route): Promise<Stats> {
    const { keeper } = this.#page
    const { model } = route
    const [{ statsOf }, watching, bytes] = await Promise.all([
      import('./monitor/stats.js'),
      this.#open(),
      keeper.ask((remote) => remote.usage(model)),
      this.#hear(route),
    ])
    const counts = this.#monitor.of(model)
    const { members = [], waiting = 0, running = 0 } = route.set ?? {}
    return statsOf(counts, this.#monitor.now, {
      engines: {
        workers: members.length,
        waiting,
        running,
        heapBytes: members.reduce((sum, { id }) => sum + (this.#heapBytes.get(id) ?? 0), 0),
      },
      bytes,
      objectives: watching.report(counts),
    })
  }

  /** See `Model.health`. */
  health(route: Route): Counted {
    return this.#monitor.health(route.model)
  }

  async drift(route: Route): Promise<DriftReport> {
    const { model } = route
    const [{ driftOf }] = await Promise.all([import('./monitor/drift.js'), this.#hear(route)])
    const version = route.served?.version
    return driftOf(model, version, this.#monitor.of(model).tallies.get(version ?? ''))
  }

  /** What its engines counted until now. */
  async #hear({ set }: Route): Promise<void> {
    this.#page.calls.throwIfCut()
    const { alive } = this.#page.engines
    for (const known of [this.#heapBytes, this.#awaited]) {
      for (const id of known.keys()) if (!alive.has(id)) known.delete(id)
    }
    await Promise.all(
      set?.members.map(({ id, gone }) => {
        const others = this.#awaited.get(id)
        const heard = new Promise<void>((resolve) => {
          this.#awaited.set(id, () => {
            others?.()
            resolve()
          })
          setTimeout(resolve, REPORT_WITHIN_MS)
        })
        alive.get(id)?.report()
        return Promise.race([heard, gone])
      }) ?? [],
    )
  }

  /** A page that predicts for a moment only, and hears nothing, needs none of it. */
  #look(model: ModelCounts, now: number): number {
    if (this.#watching) return this.#watching.counted(model)
    if (!this.#isOpened && (this.#options.isHeard() || model.lookAfter > 0)) {
      this.#isOpened = true
      this.#page.background.run(async () => {
        const watching = await this.#open()
        if (this.#page.calls.end) return
        // What came before it was not looked at.
        for (const counted of this.#monitor.models) counted.lookAfter = watching.counted(counted)
      })
    }
    return now + LOOK_EVERY_MS
  }

  #open(): Promise<Watching> {
    this.#opening ??= import('./monitor/watching.js').then(
      ({ Watching }) => (this.#watching = new Watching(this.#page.routes, this.#monitor, this.#options)),
      (cause: unknown) => {
        this.#opening = undefined
        throw cause
      },
    )
    return this.#opening
  }

  #doubt(served: Served, why: ErrorCode | 'slow'): void {
    const { model, version, backend } = served
    const often = 'in more than 5 % of its latest predictions'
    const error =
      why === 'slow'
        ? new AfieldError(
            'engine/timeout',
            `${model} ${version} is slower on ${backend} than it may be ${often}.`,
          )
        : new AfieldError(why, `${model} ${version} fails on ${backend} ${often}.`)
    for (const route of this.#page.routes.values()) {
      const now = route.served
      if (now?.model !== model || now.version !== version || now.backend !== backend) continue
      this.#page.background.run(() => this.#page.keeper.remote.doubt(route.name, errorToData(error), true))
    }
  }
}
