import type { Observation } from '../keeper/telemetry/port.js'
import type { Served } from '../keeper/ports.js'
import type { Counts } from './counts.js'
import type { Recording } from './recording.js'

/** A file that has not come by then is not waited for any longer; it still counts when it comes. */
const LOAD_WITHIN_MS = 20_000
/** More than these are not remembered for a file that may never come. */
const MAX_EARLY = 20_000

/**
 * Counts on this page, by code that is a file of its own. Nothing waits for the file: what happens before it is here is
 * remembered and counted then.
 */
export class Counting implements Counts {
  readonly #load: () => Promise<Recording>
  readonly #complain: (cause: unknown) => void
  #opening: Promise<Recording> | undefined
  #recording: Recording | undefined
  /** Gone once nobody will come to count it. */
  #early: ((recording: Recording) => void)[] | undefined = []

  /** @param complain is told why the file could not be loaded. Predictions are worth more than their count. */
  constructor(load: () => Promise<Recording>, complain: (cause: unknown) => void) {
    this.#load = load
    this.#complain = complain
  }

  /** Loads the file unless it is here; a load that failed is forgotten. */
  open(): Promise<Recording> {
    this.#opening ??= this.#load().then(
      (recording) => {
        for (const tell of this.#early ?? []) tell(recording)
        this.#early = undefined
        return (this.#recording = recording)
      },
      (cause: unknown) => {
        this.#early = this.#opening = undefined
        this.#complain(cause)
        throw cause
      },
    )
    return this.#opening
  }

  answered(served: Served, ms: number, now: number): void {
    if (this.#recording) this.#recording.answered(served, ms, now)
    else this.#tell((counts) => counts.answered(served, ms, now))
  }

  failed(...given: Parameters<Counts['failed']>): void {
    this.#tell((counts) => counts.failed(...given))
  }

  reached(...given: Parameters<Counts['reached']>): void {
    this.#tell((counts) => counts.reached(...given))
  }

  ran(...given: Parameters<Counts['ran']>): void {
    this.#tell((counts) => counts.ran(...given))
  }

  fellBack(...given: Parameters<Counts['fellBack']>): void {
    this.#tell((counts) => counts.fellBack(...given))
  }

  reported(...given: Parameters<Counts['reported']>): void {
    this.#tell((counts) => counts.reported(...given))
  }

  /** Hands over all that was counted until now; resolves when it is durable. */
  async handOver(): Promise<void> {
    if (!this.#recording) {
      const patience = new Promise((resolve) => setTimeout(resolve, LOAD_WITHIN_MS))
      await Promise.race([this.#opening?.catch(() => undefined), patience])
    }
    await this.#recording?.handOver()
  }

  /** See `Observer.unconfirmed`. */
  unconfirmed(isLast: boolean): readonly Observation[] {
    return this.#recording?.unconfirmed(isLast) ?? []
  }

  /** Hands over nothing more by itself. */
  close(): void {
    this.#early = undefined
    this.#recording?.close()
  }

  #tell(tell: (counts: Recording) => void): void {
    if (this.#recording) return tell(this.#recording)
    if (!this.#early || this.#early.length >= MAX_EARLY) return
    this.#early.push(tell)
    // Whoever complains has done so.
    this.open().catch(() => undefined)
  }
}
