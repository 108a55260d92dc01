/** Counts of the latest so many spans of time, in memory that does not grow. */
export class Rolling {
  readonly #spanMs: number
  readonly #spans: number
  readonly #columns: number
  readonly #counts: Int32Array
  readonly #sums: Float64Array
  /** The span that was last counted in, as its number since the clock's zero. */
  #last = Number.NEGATIVE_INFINITY

  /** @param columns what is counted apart. */
  constructor(spanMs: number, spans: number, columns: number) {
    this.#spanMs = spanMs
    this.#spans = spans
    this.#columns = columns
    this.#counts = new Int32Array(spans * columns)
    this.#sums = new Float64Array(columns)
  }

  /** @param now in ms, by a clock that never goes back. */
  add(now: number, column: number, times = 1): void {
    const at = this.#advance(now) + column
    this.#counts[at] = (this.#counts[at] ?? 0) + times
    this.#sums[column] = (this.#sums[column] ?? 0) + times
  }

  /** What was counted in the span of `now` and in those before it that are still remembered. */
  sum(now: number, column: number): number {
    this.#advance(now)
    return this.#sums[column] ?? 0
  }

  /** How far back the sums reach. */
  reachMs(now: number): number {
    return (this.#spans - 1) * this.#spanMs + (now % this.#spanMs)
  }

  /** Forgets the spans that are too old by now; returns where those counts begin that `now` belongs to. */
  #advance(now: number): number {
    const span = Math.max(this.#last, Math.floor(now / this.#spanMs))
    if (span !== this.#last) {
      const from = Math.max(this.#last + 1, span - this.#spans + 1)
      for (let gone = from; gone <= span; gone++) this.#forget((gone % this.#spans) * this.#columns)
      this.#last = span
    }
    return (span % this.#spans) * this.#columns
  }

  #forget(at: number): void {
    for (let column = 0; column < this.#columns; column++) {
      this.#sums[column] = (this.#sums[column] ?? 0) - (this.#counts[at + column] ?? 0)
      this.#counts[at + column] = 0
    }
  }
}
