/**
 * Latencies as sparse counts: the bucket's index as a decimal string, and how many values fell into it.
 *
 * The scheme is OpenTelemetry's exponential histogram at scale 5
 * (https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram): base 2^(1/32), and bucket
 * `i` holds base^i < v ≤ base^(i+1). Values are milliseconds. Merging is addition, so any order of merging and any
 * grouping of devices give the same histogram.
 */
export type Histogram = Readonly<Record<string, number>>

/** A histogram that is being filled: see {@link record}. */
export type MutableHistogram = Record<string, number>

/** Buckets per doubling, 2^scale. */
const PER_DOUBLING = 32

/** Holds all values up to 2^(-10 + 1/32) ms, about a microsecond: zero, negative and absurdly small ones too. */
export const LOWEST_BUCKET = -10 * PER_DOUBLING

/** Holds all values above 2^(22 - 1/32) ms, about 70 minutes, infinity included. */
export const HIGHEST_BUCKET = 22 * PER_DOUBLING - 1

/**
 * The largest relative error of {@link quantile} against the exact value, (base − 1)/(base + 1): 1.083 %. It holds
 * for values between the two end buckets.
 */
export const QUANTILE_ERROR = (lowerBound(1) - 1) / (lowerBound(1) + 1)

/** What base^i is: the exclusive lower bound of bucket `i`, in milliseconds. */
export function lowerBound(bucket: number): number {
  return 2 ** (bucket / PER_DOUBLING)
}

/**
 * The bucket of a duration in milliseconds. NaN counts as the lowest bucket, like everything that is not above zero.
 *
 * @example
 * bucketOf(1) // -1: bucket -1 ends at 1 ms, inclusive
 * bucketOf(16) // 127
 */
export function bucketOf(ms: number): number {
  if (!(ms > 0)) return LOWEST_BUCKET
  const estimate = Math.ceil(Math.log2(ms) * PER_DOUBLING) - 1
  return Math.min(HIGHEST_BUCKET, Math.max(LOWEST_BUCKET, settle(estimate, ms)))
}

/** Math.log2 may be off by one unit in the last place, which matters where a value lies on a bound. */
function settle(estimate: number, ms: number): number {
  if (ms <= lowerBound(estimate)) return estimate - 1
  if (ms > lowerBound(estimate + 1)) return estimate + 1
  return estimate
}

/** Counts one duration, in place, and returns the same histogram. */
export function record(histogram: MutableHistogram, ms: number): MutableHistogram {
  const key = String(bucketOf(ms))
  histogram[key] = (histogram[key] ?? 0) + 1
  return histogram
}

/** The histogram of both sets of values: commutative, associative, and `{}` changes nothing. */
export function merge(a: Histogram, b: Histogram): Histogram {
  const sum: MutableHistogram = { ...a }
  for (const [key, count] of Object.entries(b)) sum[key] = (sum[key] ?? 0) + count
  return sum
}

/** How many values were counted. */
export function total(histogram: Histogram): number {
  let sum = 0
  for (const count of Object.values(histogram)) sum += count
  return sum
}

/** The buckets that hold something, in order of their values. */
export function buckets(histogram: Histogram): readonly (readonly [bucket: number, count: number])[] {
  return Object.entries(histogram)
    .filter(([, count]) => count > 0)
    .map(([key, count]) => [Number(key), count] as const)
    .sort((a, b) => a[0] - b[0])
}

/**
 * The `q`-quantile in milliseconds by nearest rank: the value with at least `q` of all values at or below it,
 * within {@link QUANTILE_ERROR} of it. `q` is 0 to 1; 0 is the minimum, 1 the maximum.
 *
 * @returns `undefined` for an empty histogram.
 */
export function quantile(histogram: Histogram, q: number): number | undefined {
  const ordered = buckets(histogram)
  const rank = Math.max(1, Math.ceil(q * total(histogram)))
  let seen = 0
  for (const [bucket, count] of ordered) {
    seen += count
    if (seen >= rank) return midpoint(bucket)
  }
  const last = ordered.at(-1)
  return last && midpoint(last[0])
}

/** The mean in milliseconds, within {@link QUANTILE_ERROR}; `undefined` for an empty histogram. */
export function mean(histogram: Histogram): number | undefined {
  const count = total(histogram)
  if (count === 0) return undefined
  let sum = 0
  for (const [bucket, n] of buckets(histogram)) sum += n * midpoint(bucket)
  return sum / count
}

/**
 * The point of a bucket whose relative error is the same towards both ends, 2·lo·hi/(lo + hi): no other point has a
 * smaller worst case (Masson, Rim, Lee: DDSketch, arXiv 1908.10693, lemma 2).
 */
function midpoint(bucket: number): number {
  const low = lowerBound(bucket)
  const high = lowerBound(bucket + 1)
  return (2 * low * high) / (low + high)
}
