import { MAX_CATEGORIES, type Profile } from '@afield/protocol'
import type { Cell } from './rows.js'

const BINS = 10
/** What fewer rows than these would show could point at one of them: rare categories, small bins, a mean of two. */
const MIN_ROWS = 5
/** Of edges and extremes, so that they are no single row's exact value. */
const SIGNIFICANT_DIGITS = 3

/** Counts values into a profile, in memory that does not grow with them. */
export interface ProfileCounter {
  add(value: Cell): void
  profile(): Profile
}

/** Counts numbers into bins that hold about equally many of a sample. */
export function numericCounter(sample: readonly Cell[]): ProfileCounter {
  const edges = quantileEdges(sample.filter((value) => typeof value === 'number'))
  const counts = Array.from({ length: edges.length + 1 }, () => 0)
  let [count, missing, sum, min, max] = [0, 0, 0, Infinity, -Infinity]
  return {
    add: (value) => {
      if (typeof value !== 'number') {
        missing += 1
        return
      }
      const above = edges.findIndex((edge) => value < edge)
      const bin = above < 0 ? edges.length : above
      counts[bin] = (counts[bin] ?? 0) + 1
      count += 1
      sum += value
      min = Math.min(min, value)
      max = Math.max(max, value)
    },
    profile: () => ({
      kind: 'numeric',
      count,
      missing,
      ...(count >= MIN_ROWS ? { min: rounded(min), max: rounded(max), mean: rounded(sum / count) } : {}),
      edges,
      counts,
    }),
  }
}

/**
 * Counts values that are one of a known set.
 *
 * @param known what the contract lists; anything else is counted with the rare ones.
 */
export function categoryCounter(known: readonly string[]): ProfileCounter {
  const counts = new Map(known.map((value) => [value, 0]))
  let [count, missing] = [0, 0]
  return {
    add: (value) => {
      if (value === undefined) {
        missing += 1
        return
      }
      count += 1
      const name = String(value)
      const before = counts.get(name)
      if (before !== undefined) counts.set(name, before + 1)
    },
    profile: () => {
      const categories = [...counts]
        .map(([value, times]) => ({ value, count: times }))
        .filter((category) => category.count >= MIN_ROWS)
        .sort((a, b) => b.count - a.count)
        .slice(0, MAX_CATEGORIES)
      const listed = categories.reduce((total, category) => total + category.count, 0)
      return { kind: 'categories', count, missing, categories, other: count - listed }
    },
  }
}

/** At most nine edges between bins of about a tenth each; fewer where values are few, or many of them equal. */
function quantileEdges(sample: readonly number[]): number[] {
  const sorted = Float64Array.from(sample).sort()
  const [least = 0] = sorted
  const bins = Math.max(1, Math.min(BINS, Math.floor(sorted.length / MIN_ROWS)))
  const edges = Array.from({ length: bins - 1 }, (_, i) =>
    rounded(sorted[Math.floor(((i + 1) * sorted.length) / bins)] ?? least),
  )
  return [...new Set(edges)].filter((edge) => edge > least).sort((a, b) => a - b)
}

function rounded(value: number): number {
  return Number(value.toPrecision(SIGNIFICANT_DIGITS))
}
