/** A timer that comes later than this says that the page slept, and not that an engine hangs. */
const SLEPT_MS = 1000

/** What may hang. */
export interface Watched {
  /** When it was last seen to begin or to go on, by `performance.now()`. */
  seen: number
}

export interface WatchdogOptions<W extends Watched> {
  /** A run of so many ms hangs. */
  readonly limitMs: () => number
  /** What runs now. */
  readonly runs: () => readonly W[]
  readonly onHung: (hung: W, limitMs: number) => void
}

/** Finds runs that take too long: one timer for all of them, and none while nothing runs. */
export class Watchdog<W extends Watched> {
  readonly #options: WatchdogOptions<W>
  #timer: ReturnType<typeof setTimeout> | undefined
  /** By which it was set. */
  #limitMs = 0

  constructor(options: WatchdogOptions<W>) {
    this.#options = options
  }

  /** Something runs, perhaps by a shorter limit than what ran before. */
  watch(): void {
    const limitMs = this.#options.limitMs()
    if (this.#timer !== undefined && limitMs >= this.#limitMs) return
    this.stop()
    const now = performance.now()
    const since = Math.min(now, ...this.#options.runs().map(({ seen }) => seen))
    this.#in(Math.max(0, since + limitMs - now), limitMs)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #in(ms: number, byMs: number): void {
    this.#limitMs = byMs
    const due = performance.now() + ms
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      const now = performance.now()
      const limitMs = this.#options.limitMs()
      const runs = this.#options.runs()
      if (now - due > SLEPT_MS) for (const run of runs) run.seen = now
      for (const run of runs.filter(({ seen }) => now - seen >= limitMs)) this.#options.onHung(run, limitMs)
      const left = runs.flatMap(({ seen }) => (now - seen < limitMs ? seen + limitMs - now : []))
      if (left.length > 0) this.#in(Math.min(...left), limitMs)
    }, ms)
  }
}
