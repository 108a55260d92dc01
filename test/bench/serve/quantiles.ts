import { seededRandom } from '../../../examples/fleet/random.js'

/** Linear between the two nearest samples. */
export function quantile(samples: readonly number[], q: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  const place = (sorted.length - 1) * q
  const low = sorted[Math.floor(place)] ?? Number.NaN
  const high = sorted[Math.ceil(place)] ?? Number.NaN
  return low + (high - low) * (place - Math.floor(place))
}

const RESAMPLES = 400

/**
 * Half the distance between the quartiles of what a statistic of groups is when whole groups are drawn again with
 * replacement (a block bootstrap): samples of one swap are alike.
 */
export function spreadOf<T>(groups: readonly T[], statistic: (groups: readonly T[]) => number): number {
  const random = seededRandom(1)
  const draw = (): T[] => groups.flatMap(() => groups[Math.floor(random() * groups.length)] ?? [])
  const values = Array.from({ length: RESAMPLES }, () => statistic(draw()))
  return (quantile(values, 0.75) - quantile(values, 0.25)) / 2
}
