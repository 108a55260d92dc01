import { createHash, randomBytes } from 'node:crypto'

export interface RateLimit {
  /** Requests a source may make at once. */
  readonly burst: number
  /** Requests a second it may make after that. */
  readonly perSecond: number
}

/** A batch comes every 5 to 15 minutes, so one shared address carries thousands of devices under this. */
export const DEFAULT_RATE_LIMIT: RateLimit = { burst: 600, perSecond: 20 }

/** Above this many sources, those that are at rest are forgotten. */
const MAX_SOURCES = 50_000

interface Bucket {
  tokens: number
  at: number
}

/**
 * Token buckets per source. A source is known by a hash of its address with a salt that lives as long as the
 * process: the address itself is never kept.
 */
export class RateLimiter {
  readonly #limit: RateLimit
  readonly #salt = randomBytes(16)
  readonly #buckets = new Map<string, Bucket>()

  constructor(limit: RateLimit) {
    this.#limit = limit
  }

  /**
   * Takes one token for a request at `now` (milliseconds).
   *
   * @returns 0 when the request may pass, else the whole seconds to wait.
   */
  take(address: string, now: number): number {
    const source = createHash('sha256').update(this.#salt).update(address).digest('base64')
    const bucket = this.#refilled(source, now)
    this.#buckets.set(source, bucket)
    if (bucket.tokens < 1) return Math.ceil((1 - bucket.tokens) / this.#limit.perSecond)
    bucket.tokens -= 1
    if (this.#buckets.size > MAX_SOURCES) this.#forgetRested(now)
    return 0
  }

  #refilled(source: string, now: number): Bucket {
    const { burst, perSecond } = this.#limit
    const bucket = this.#buckets.get(source)
    if (!bucket) return { tokens: burst, at: now }
    const earned = (Math.max(0, now - bucket.at) / 1000) * perSecond
    return { tokens: Math.min(burst, bucket.tokens + earned), at: now }
  }

  #forgetRested(now: number): void {
    const { burst, perSecond } = this.#limit
    for (const [source, { tokens, at }] of this.#buckets) {
      if (tokens + ((now - at) / 1000) * perSecond >= burst) this.#buckets.delete(source)
    }
    // All of them busy: start over rather than grow without bound.
    if (this.#buckets.size > MAX_SOURCES) this.#buckets.clear()
  }
}
