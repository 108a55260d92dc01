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

  constructor(options: WatchdogOptions<W>) {
    this.#options = options
  }

  /** Something runs. */
  watch(): void {
    this.#timer ??= this.#in(this.#options.limitMs())
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #in(ms: number): ReturnType<typeof setTimeout> {
    const due = performance.now() + ms
    return setTimeout(() => {
      this.#timer = undefined
      const now = performance.now()
      const limitMs = this.#options.limitMs()
      const runs = this.#options.runs()
      if (now - due > SLEPT_MS) for (const run of runs) run.seen = now
      for (const run of runs.filter(({ seen }) => now - seen >= limitMs)) this.#options.onHung(run, limitMs)
      const left = runs.flatMap(({ seen }) => (now - seen < limitMs ? seen + limitMs - now : []))
      if (left.length > 0) this.#timer = this.#in(Math.min(...left))
    }, ms)
  }
}
