/** What fewer rows than these would show could point at one of them: rare categories, small bins, a mean of two. */
export const MIN_ROWS = 5
/** Of edges and extremes, so that they are no single row's exact value. */
const SIGNIFICANT_DIGITS = 3

/** A count that would say something about single rows. No rows say nothing. */
export function isFew(count: number): boolean {
  return count > 0 && count < MIN_ROWS
}

export function rounded(value: number, digits = SIGNIFICANT_DIGITS): number {
  return Number(value.toPrecision(digits))
}

/**
 * The value at a place among sorted ones, with as many digits as enough of its neighbours share; `undefined` when too
 * few share even the first.
 */
export function sharedValue(sorted: ArrayLike<number>, at: number): number | undefined {
  const value = sorted[at]
  if (value === undefined) return undefined
  for (let digits = SIGNIFICANT_DIGITS; digits > 0; digits--) {
    const shared = rounded(value, digits)
    let rows = 1
    for (const step of [-1, 1]) {
      for (let i = at + step; rows < MIN_ROWS; i += step) {
        const next = sorted[i]
        if (next === undefined || rounded(next, digits) !== shared) break
        rows += 1
      }
    }
    if (rows >= MIN_ROWS) return shared
  }
  return undefined
}

/** A least or greatest value, published only where enough rows share it. */
export class Extreme {
  readonly #isBeyond: (a: number, b: number) => boolean
  #value: number | undefined
  #rows = 0

  constructor(isBeyond: (a: number, b: number) => boolean) {
    this.#isBeyond = isBeyond
  }

  add(exact: number): void {
    const value = rounded(exact)
    if (value === this.#value) this.#rows += 1
    else if (this.#value === undefined || this.#isBeyond(value, this.#value)) {
      this.#value = value
      this.#rows = 1
    }
  }

  get value(): number | undefined {
    return this.#rows >= MIN_ROWS ? this.#value : undefined
  }
}

/** Joins neighbouring bins until each holds enough rows, and keeps the edges between those. */
export function mergeBins(
  edges: readonly number[],
  counts: readonly number[],
): { readonly edges: number[]; readonly counts: number[] } {
  const merged = { edges: [] as number[], counts: [] as number[] }
  let held = 0
  for (const [bin, count] of counts.entries()) {
    held += count
    const edge = edges[bin]
    if (held < MIN_ROWS || edge === undefined) continue
    merged.edges.push(edge)
    merged.counts.push(held)
    held = 0
  }
  if (held < MIN_ROWS && merged.edges.length > 0) {
    merged.edges.pop()
    held += merged.counts.pop() ?? 0
  }
  merged.counts.push(held)
  return merged
}

/**
 * How many rows are said to have a value and to have none. A few of one kind are told as the other, since the number
 * of all rows is known; of a table with only a few rows nothing is.
 */
export function tellApart(
  count: number,
  missing: number,
): { readonly count: number; readonly missing: number } {
  const all = count + missing
  if (all < MIN_ROWS) return { count: 0, missing: 0 }
  if (count < MIN_ROWS) return { count: 0, missing: all }
  return isFew(missing) ? { count: all, missing: 0 } : { count, missing }
}
