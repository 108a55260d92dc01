/** Failures in a row that open a breaker. */
const FAILURES = 5
/** How long it then stays open. */
const OPEN_MS = 60_000

/**
 * Keeps calls from something that fails: closed, all go through; after 5 failures in a row it is open for a minute and
 * none do; then half-open, one tries, and its outcome closes or opens it again.
 *
 * @example
 * if (!breaker.admits()) return other()
 * try {
 *   const answer = await call()
 *   breaker.close()
 *   return answer
 * } catch (error) {
 *   breaker.failed()
 *   throw error
 * }
 */
export class Breaker {
  readonly #now: () => number
  #failures = 0
  #openUntil = 0
  #trying = false
  #era = 0

  /** @param now a clock in ms that never goes back. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  get state(): 'closed' | 'open' | 'half-open' {
    if (this.#failures < FAILURES) return 'closed'
    return this.retryAfterMs > 0 ? 'open' : 'half-open'
  }

  /** Another each time that it opened, closed again or began anew: a call from an era before says nothing of this one. */
  get era(): number {
    return this.#era
  }

  /** Until one may try again; 0 when that is now. */
  get retryAfterMs(): number {
    return Math.max(0, this.#openUntil - this.#now())
  }

  /** Whether a call may go through. Whoever is admitted says how it ended: `close`, `failed` or `withdrawn`. */
  admits(): boolean {
    const { state } = this
    if (state === 'closed') return true
    if (state === 'open' || this.#trying) return false
    this.#trying = true
    return true
  }

  /** A call succeeded. */
  close(): void {
    if (this.state !== 'closed') this.begin()
    this.#failures = 0
  }

  /** What is called now is something else. */
  begin(): void {
    this.#era += 1
    this.#failures = 0
    this.#trying = false
  }

  /**
   * A call failed.
   *
   * @returns whether that opened the breaker, which was closed.
   */
  failed(): boolean {
    this.#trying = false
    // Calls that were under way when it opened say nothing new.
    if (this.state === 'open') return false
    this.#failures += 1
    if (this.state === 'closed') return false
    this.#era += 1
    this.#openUntil = this.#now() + OPEN_MS
    return this.#failures === FAILURES
  }

  /** A call ended without saying anything about what was called, such as one that was aborted. */
  withdrawn(): void {
    this.#trying = false
  }

  /** Opens it at once, for so long. */
  open(ms = OPEN_MS): void {
    this.#era += 1
    this.#failures = Math.max(this.#failures, FAILURES)
    this.#openUntil = this.#now() + ms
    this.#trying = false
  }

  /** Lets one try at once. */
  halfOpen(): void {
    this.#openUntil = 0
  }
}
