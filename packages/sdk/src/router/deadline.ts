import { AfieldError, invalidInput } from '@afield/protocol'
import { MAX_TIMER_MS } from '../timers.js'

/**
 * What is given as a signal can be listened to. A controller in its place, which is easily given, cannot.
 *
 * @throws AfieldError `input/invalid`, field `signal`.
 */
export function checkSignal(signal: AbortSignal | null | undefined): void {
  if (signal === undefined || signal === null || typeof signal.addEventListener === 'function') return
  throw invalidInput('signal', 'mistyped', 'takes an AbortSignal, such as the `signal` of an AbortController')
}

/** One deadline for a whole call, and the app's own signal. */
export class Deadline {
  /** Aborts with `engine/timeout` when time is up, and with the app's signal. */
  readonly signal: AbortSignal | undefined
  readonly #given: AbortSignal | undefined
  readonly #ends: number
  readonly #timer: ReturnType<typeof setTimeout> | undefined
  readonly #controller: AbortController | undefined
  readonly #forward = (): void => this.#controller?.abort(this.#given?.reason)

  /**
   * @param began when the call was made, by `performance.now()`.
   * @throws AfieldError `input/invalid`, field `timeoutMs` or `signal`.
   */
  constructor(
    began: number,
    { signal, timeoutMs }: { signal?: AbortSignal | undefined; timeoutMs?: number | undefined },
  ) {
    checkSignal(signal)
    this.#given = signal
    this.signal = signal
    this.#ends = Infinity
    if (timeoutMs === undefined) return
    if (typeof timeoutMs !== 'number' || !(timeoutMs > 0)) {
      throw invalidInput('timeoutMs', 'out-of-range', 'is a number of milliseconds above 0')
    }
    const controller = new AbortController()
    const late = new AfieldError('engine/timeout', `No answer came within ${timeoutMs} ms.`)
    this.#ends = began + timeoutMs
    this.#timer = setTimeout(() => controller.abort(late), Math.min(this.leftMs, MAX_TIMER_MS))
    this.#controller = controller
    this.signal = controller.signal
    if (signal?.aborted) this.#forward()
    signal?.addEventListener('abort', this.#forward)
  }

  /** Infinity without a limit. */
  get leftMs(): number {
    return Math.max(0, this.#ends - performance.now())
  }

  /** Time is up, and the app itself did not give up. */
  get isOver(): boolean {
    return this.signal?.aborted === true && this.#given?.aborted !== true
  }

  end(): void {
    clearTimeout(this.#timer)
    this.#given?.removeEventListener('abort', this.#forward)
  }
}
