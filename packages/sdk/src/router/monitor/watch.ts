import type { ObjectiveReport, SloEvent } from './reports.js'
import { assess, type Objective } from './objectives.js'
import type { ModelCounts } from './model-counts.js'

/** The objectives are looked at no more often than this while predictions come, */
const LOOK_EVERY_MS = 1000
/** and so often while one is missed and none comes. */
const LOOK_AGAIN_MS = 15_000
/** A missed objective is met again only when so much of its error budget is left, lest it goes to and fro. */
const REGAINED = 0.1

export interface WatchOptions {
  readonly model: ModelCounts
  readonly now: () => number
  /** Of the version that serves now. */
  readonly objectives: () => readonly Objective[]
  /** Whether anybody waits for events; without, nothing is set to look by itself. */
  readonly isHeard: () => boolean
  readonly tell: (event: SloEvent) => void
}

/** Tells when an objective of a model becomes missed, and when it is met again. */
export class Watch {
  readonly #options: WatchOptions
  readonly #missed = new Set<ObjectiveReport['objective']>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #lookedAt = Number.NEGATIVE_INFINITY
  #isClosed = false

  constructor(options: WatchOptions) {
    this.#options = options
  }

  /**
   * Something was counted.
   *
   * @returns until when it need not be told.
   */
  counted(): number {
    const { isHeard, now } = this.#options
    const due = this.#lookedAt + LOOK_EVERY_MS
    const wait = due - now()
    if (wait > 0 && isHeard()) this.#lookIn(wait)
    if (wait > 0) return due
    this.#look()
    // What is counted next is looked at in time, though nothing be counted after it.
    return isHeard() ? this.#lookedAt : this.#lookedAt + LOOK_EVERY_MS
  }

  /** Looks no more by itself. */
  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  #look(): void {
    const { model, objectives, tell, isHeard, now } = this.#options
    this.#lookedAt = now()
    const reports = objectives().map((objective) => assess(objective, model, this.#lookedAt))
    for (const report of reports)
      if (this.#isNews(report)) tell({ type: 'slo', model: model.model, ...report })
    // What the version that serves now is not held to is not waited for; under a later one it is news again.
    for (const missed of this.#missed) {
      if (reports.every(({ objective }) => objective !== missed)) this.#missed.delete(missed)
    }
    if (this.#missed.size > 0 && isHeard()) this.#lookIn(LOOK_AGAIN_MS)
  }

  #isNews({ objective, state, budgetLeft }: ObjectiveReport): boolean {
    const wasMissed = this.#missed.has(objective)
    if (!wasMissed && state === 'missed') return Boolean(this.#missed.add(objective))
    if (!wasMissed || state === 'missed' || budgetLeft < REGAINED) return false
    this.#missed.delete(objective)
    // Of an hour without a failure and with too little asked, nothing is told; what fails after it is news.
    return state === 'met'
  }

  #lookIn(ms: number): void {
    clearTimeout(this.#timer)
    if (!this.#isClosed) this.#timer = setTimeout(() => this.#look(), ms)
  }
}
