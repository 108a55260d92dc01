import { HIGHEST_BUCKET, LOWEST_BUCKET, bucketOf } from '@afield/protocol/counting'

/**
 * Latencies in the buckets of telemetry's histogram, in memory that is there from the start: counting one allocates
 * nothing. What was counted is read as a sparse histogram.
 */
export class Latencies {
  readonly #buckets = new Uint32Array(HIGHEST_BUCKET - LOWEST_BUCKET + 1)
  count = 0
  /** Of all of them, in ms: exact, as is the greatest. */
  sum = 0
  max = 0

  add(ms: number): void {
    const at = bucketOf(ms) - LOWEST_BUCKET
    this.#buckets[at] = (this.#buckets[at] ?? 0) + 1
    this.count += 1
    this.sum += ms
    if (ms > this.max) this.max = ms
  }

  /** Counted into a histogram that is there already. */
  addTo(histogram: Record<string, number>): void {
    for (const [at, count] of this.#buckets.entries()) {
      if (count === 0) continue
      const bucket = at + LOWEST_BUCKET
      histogram[bucket] = (histogram[bucket] ?? 0) + count
    }
  }
}
