import { MAX_CATEGORIES, type Profile } from '@afield/protocol'
import { Extreme, MIN_ROWS, isFew, mergeBins, rounded, sharedValue, tellApart } from './disclosure.js'
import type { Cell } from './rows.js'

const BINS = 10

/** Counts values into a profile, in memory that does not grow with them. */
export interface ProfileCounter {
  add(value: Cell): void
  profile(): Profile
}

/** Counts numbers into bins that hold about equally many of a sample, and none of them few. */
export function numericCounter(sample: readonly Cell[]): ProfileCounter {
  const edges = quantileEdges(sample.filter((value) => typeof value === 'number'))
  const counts = Array.from({ length: edges.length + 1 }, () => 0)
  const least = new Extreme((a, b) => a < b)
  const greatest = new Extreme((a, b) => a > b)
  let [count, missing, sum] = [0, 0, 0]
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
      least.add(value)
      greatest.add(value)
    },
    profile: () => {
      const told = tellApart(count, missing)
      if (told.count === 0) return { kind: 'numeric', ...told, edges: [], counts: [0] }
      const bins = mergeBins(edges, counts)
      const [min, max] = [least.value, greatest.value]
      return {
        kind: 'numeric',
        ...told,
        ...(min === undefined ? {} : { min }),
        ...(max === undefined ? {} : { max }),
        mean: rounded(sum / count),
        edges: bins.edges,
        counts: withLargest(bins.counts, told.count - count),
      }
    },
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
      const told = tellApart(count, missing)
      if (told.count === 0) return { kind: 'categories', ...told, categories: [], other: 0 }
      const frequent = [...counts]
        .map(([value, times]) => ({ value, count: times }))
        .filter((category) => category.count >= MIN_ROWS)
        .sort((a, b) => b.count - a.count)
        .slice(0, MAX_CATEGORIES)
      let other = count - frequent.reduce((total, category) => total + category.count, 0)
      // One rare category alone among the others could be told from the rest.
      if (isFew(other)) other += frequent.pop()?.count ?? 0
      const [largest, ...rest] = frequent
      const added = told.count - count
      if (!largest) return { kind: 'categories', ...told, categories: [], other: other + added }
      const categories = [{ ...largest, count: largest.count + added }, ...rest]
      return { kind: 'categories', ...told, categories, other }
    },
  }
}

/** At most nine edges between bins of about a tenth each; fewer where values are few, or many of them equal. */
function quantileEdges(sample: readonly number[]): number[] {
  const sorted = Float64Array.from(sample).sort()
  const bins = Math.max(1, Math.min(BINS, Math.floor(sorted.length / MIN_ROWS)))
  const edges = Array.from({ length: bins - 1 }, (_, i) =>
    sharedValue(sorted, Math.floor(((i + 1) * sorted.length) / bins)),
  )
  return [...new Set(edges.filter((edge) => edge !== undefined))].sort((a, b) => a - b)
}

function withLargest(counts: readonly number[], added: number): number[] {
  const largest = counts.indexOf(Math.max(...counts))
  return counts.map((count, bin) => (bin === largest ? count + added : count))
}
