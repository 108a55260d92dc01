/** Cells that a sample may hold in all, which bounds its memory. */
const MAX_CELLS = 2_000_000
const MAX_ROWS = 10_000

/**
 * An even sample of rows of a stream whose length nobody knows (Vitter's algorithm R). The same rows always give the
 * same sample, so that publishing twice gives the same profile.
 */
export class RowSample<R> {
  readonly #capacity: number
  readonly #rows: R[] = []
  #seen = 0
  #state = 0x9e3779b9

  constructor(columns: number) {
    this.#capacity = Math.max(100, Math.min(MAX_ROWS, Math.floor(MAX_CELLS / Math.max(1, columns))))
  }

  add(row: R): void {
    this.#seen += 1
    if (this.#rows.length < this.#capacity) {
      this.#rows.push(row)
      return
    }
    const at = Math.floor(this.#random() * this.#seen)
    if (at < this.#capacity) this.#rows[at] = row
  }

  get rows(): readonly R[] {
    return this.#rows
  }

  /** Between 0 and 1, from a 32-bit xorshift (Marsaglia 2003). */
  #random(): number {
    let x = this.#state
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.#state = x
    return (x >>> 0) / 2 ** 32
  }
}
