import type { ErrorCode } from '@afield/protocol'
import type { Tallied } from '../../engine/messages.js'
import type { Served } from '../../keeper/ports.js'
import type { Counts, FallbackKind } from '../counts.js'
import type { Counted } from '../health.js'
import { AVAILABLE, ModelCounts, OVER, UNAVAILABLE, columnOf, type ServedCounts } from './model-counts.js'
import { REMEMBERED } from './suspicion.js'

/** What the caller did: it says nothing about the model. */
const OF_THE_CALLER: readonly ErrorCode[] = ['aborted', 'closed', 'input/invalid']

/** What a version on its backend is to blame for. */
const OF_THE_VERSION: readonly ErrorCode[] = [
  'engine/crashed',
  'engine/hung',
  'engine/out-of-memory',
  'engine/run-failed',
  'engine/wrong-answer',
]

/** What was doubted is not doubted again for so long: it was proved anew, or nothing can stand in for it. */
const DOUBTED_MS = 60 * 60 * 1000

export interface MonitorOptions {
  /** In ms, by a clock that never goes back. */
  readonly now?: () => number
  /** The longest that a run of a model may take; `undefined` where nobody says. */
  readonly runBudgetMs: (served: Served) => number | undefined
  /** Called for a version on a backend that fails, or is too slow, again and again; at most once an hour. */
  readonly onDoubt: (served: Served, why: ErrorCode | 'slow') => void
  /** Something was counted; not called again for the model before the time that it returns. */
  readonly onCounted: (model: ModelCounts, now: number) => number
}

/** Counts everything that happens to predictions on this page: exact, without noise, and for this page alone. */
export class Monitor implements Omit<Counts, 'reached' | 'reported'> {
  readonly #options: MonitorOptions
  readonly #now: () => number
  readonly #models = new Map<string, ModelCounts>()
  readonly #served = new WeakMap<Served, readonly [ModelCounts, ServedCounts]>()

  constructor(options: MonitorOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
  }

  get now(): number {
    return this.#now()
  }

  get models(): Iterable<ModelCounts> {
    return this.#models.values()
  }

  of(model: string): ModelCounts {
    const known = this.#models.get(model)
    if (known) return known
    const counts = new ModelCounts(model)
    this.#models.set(model, counts)
    return counts
  }

  /** What a model's health is told by, besides a test. */
  health(model: string): Counted {
    const { served, hour } = this.of(model)
    const count = served.reduce((sum, { latencies }) => sum + latencies.count, 0)
    const ms = served.reduce((sum, { latencies }) => sum + latencies.sum, 0)
    const now = this.#now()
    return {
      meanMs: count > 0 ? ms / count : undefined,
      answered: hour.sum(now, AVAILABLE),
      unanswered: Math.max(0, hour.sum(now, UNAVAILABLE)),
    }
  }

  answered(served: Served, ms: number, now = this.#now()): void {
    const [model, counts] = this.#of(served)
    counts.latencies.add(ms)
    counts.answers.add(now, 0)
    counts.firstAt ??= now
    counts.failing.add(false)
    model.hour.add(now, AVAILABLE)
    model.hour.add(now, columnOf(ms))
    this.#counted(model, now)
  }

  failed(served: Served, code: ErrorCode, times = 1): void {
    if (times === 0) return
    const [model, counts] = this.#of(served)
    counts.errors.set(code, (counts.errors.get(code) ?? 0) + times)
    if (OF_THE_CALLER.includes(code)) return
    const now = this.#now()
    model.hour.add(now, UNAVAILABLE, times)
    // Whoever set the limit says that it took too long.
    if (code === 'engine/timeout') model.hour.add(now, OVER, times)
    if (OF_THE_VERSION.includes(code)) {
      let isSustained = false
      for (let i = 0; i < Math.min(times, REMEMBERED); i++) isSustained = counts.failing.add(true)
      if (isSustained) this.#doubt(served, counts, code)
    }
    this.#counted(model, now)
  }

  ran(served: Served, ms: number, together: number): void {
    const [, counts] = this.#of(served)
    counts.computeMs += ms
    // The more share a run the longer it takes, and that is the app's doing.
    if (together !== 1) return
    const budget = this.#options.runBudgetMs(served)
    if (budget !== undefined && counts.slow.add(ms > budget)) this.#doubt(served, counts, 'slow')
  }

  fellBack(name: string, kind: FallbackKind, ms: number, times: number, told: boolean): void {
    const model = this.of(name)
    const now = this.#now()
    model.fallback[kind] += times
    if (!told) model.unasked += times
    if (kind === 'remote') {
      // A model answered after all, if not the one here.
      if (told) model.hour.add(now, UNAVAILABLE, -times)
      model.hour.add(now, AVAILABLE, times)
      model.hour.add(now, columnOf(ms), times)
    } else if (!told) model.hour.add(now, UNAVAILABLE, times)
    this.#counted(model, now)
  }

  tallied(tallied: Tallied): void {
    this.of(tallied.model).tally(tallied)
  }

  #of(served: Served): readonly [ModelCounts, ServedCounts] {
    const known = this.#served.get(served)
    if (known) return known
    const model = this.of(served.model)
    const counts = [model, model.begin(served)] as const
    this.#served.set(served, counts)
    return counts
  }

  #doubt(served: Served, counts: ServedCounts, why: ErrorCode | 'slow'): void {
    const now = this.#now()
    if (now - counts.doubtedAt < DOUBTED_MS) return
    counts.doubtedAt = now
    this.#options.onDoubt(served, why)
  }

  #counted(model: ModelCounts, now: number): void {
    if (now >= model.lookAfter) model.lookAfter = this.#options.onCounted(model, now)
  }
}
