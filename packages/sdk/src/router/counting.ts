import type { ErrorCode, FunnelStep } from '@afield/protocol'
import type { Served } from '../keeper/ports.js'
import type { Observation } from '../keeper/telemetry/port.js'
import type { Observer } from './observer.js'
import type { Counts } from './route.js'

/** A file that has not come by then is not waited for any longer; it still counts when it comes. */
const LOAD_WITHIN_MS = 20_000
/** More than these are not remembered for a file that may never come. */
const MAX_EARLY = 20_000

/**
 * Counts on this page, by code that is a file of its own. Nothing waits for the file: what happens before it is here is
 * remembered and counted then.
 */
export class Counting implements Counts {
  readonly #settled: Promise<void>
  #observer: Observer | undefined
  /** Gone once nobody will come to count it. */
  #early: ((observer: Observer) => void)[] | undefined = []

  /** @param complain is told why the file could not be loaded. Predictions are worth more than their count. */
  constructor(load: () => Promise<Observer>, complain: (cause: unknown) => void) {
    const loaded = load().then(
      (observer) => {
        const early = this.#early ?? []
        this.#early = undefined
        this.#observer = observer
        for (const tell of early) tell(observer)
      },
      (cause: unknown) => {
        this.#early = undefined
        complain(cause)
      },
    )
    const patience = new Promise<void>((resolve) => setTimeout(resolve, LOAD_WITHIN_MS))
    this.#settled = Promise.race([loaded, patience])
  }

  answered(served: Served, ms: number): void {
    this.#count((observer) => observer.answered(served, ms))
  }

  failed(served: Served, code: ErrorCode, times?: number): void {
    this.#count((observer) => observer.failed(served, code, times))
  }

  reached(served: Served, step: FunnelStep, code: ErrorCode | undefined): void {
    this.#count((observer) => observer.reached(served, step, code))
  }

  /** Hands over all that was counted until now; resolves when it is durable. */
  async handOver(): Promise<void> {
    await this.#settled
    await this.#observer?.handOver()
  }

  /** See {@link Observer.unconfirmed}. */
  unconfirmed(isLast: boolean): readonly Observation[] {
    return this.#observer?.unconfirmed(isLast) ?? []
  }

  /** Hands over nothing more by itself. */
  close(): void {
    this.#early = undefined
    this.#observer?.close()
  }

  #count(tell: (observer: Observer) => void): void {
    if (this.#observer) tell(this.#observer)
    else if (this.#early && this.#early.length < MAX_EARLY) this.#early.push(tell)
  }
}
