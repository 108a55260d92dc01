import {
  dayOf,
  emptyOps,
  histogram,
  type Day,
  type ErrorCode,
  type ModelName,
  type MutableHistogram,
} from '@afield/protocol'
import type { Served } from '../keeper/ports.js'
import type { Observation, OpenCell } from '../keeper/telemetry/window.js'
import type { DeviceClass } from './platform.js'

/** Counts go to the keeper after this many, or after this long, whichever comes first. */
const HAND_OVER_COUNT = 50
const HAND_OVER_MS = 30_000

interface Tally {
  readonly served: Served
  readonly day: Day
  count: number
  readonly latency: MutableHistogram
  readonly errors: { [code in ErrorCode]?: number }
}

/**
 * Counts predictions on the page and hands them to the keeper. What was handed over and not confirmed as durable is
 * still here, so that {@link unconfirmed} can go into the page's mark when it is hidden.
 */
export class Observer {
  readonly #life: string
  readonly #device: DeviceClass
  readonly #send: (observations: readonly Observation[]) => Promise<void>
  #tallies: Tally[] = []
  #counted = 0
  #sequence = 0
  #handedOver: Observation[] = []
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(
    life: string,
    device: DeviceClass,
    send: (observations: readonly Observation[]) => Promise<void>,
  ) {
    this.#life = life
    this.#device = device
    this.#send = send
  }

  /** @param ms from the call of `predict()` to its answer. */
  answered(served: Served, ms: number): void {
    const tally = this.#tally(served)
    tally.count += 1
    histogram.record(tally.latency, ms)
    this.#counted += 1
    this.#handOverSoon()
  }

  failed(served: Served, code: ErrorCode): void {
    const { errors } = this.#tally(served)
    errors[code] = (errors[code] ?? 0) + 1
    this.#counted += 1
    this.#handOverSoon()
  }

  /** Freezes what was counted and hands it over; resolves when it is durable. */
  async handOver(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#freeze()
    const observations = [...this.#handedOver]
    if (observations.length === 0) return
    await this.#send(observations)
    this.#handedOver = this.#handedOver.filter((observation) => !observations.includes(observation))
  }

  /** Everything that is not known to be durable. Telling it again is harmless. */
  unconfirmed(): readonly Observation[] {
    this.#freeze()
    return this.#handedOver
  }

  #tally(served: Served): Tally {
    const day = dayOf(Date.now())
    const known = this.#tallies.find((tally) => tally.served === served && tally.day === day)
    if (known) return known
    const tally: Tally = { served, day, count: 0, latency: {}, errors: {} }
    this.#tallies.push(tally)
    return tally
  }

  #handOverSoon(): void {
    if (this.#counted >= HAND_OVER_COUNT) this.#inBackground()
    else this.#timer ??= setTimeout(() => this.#inBackground(), HAND_OVER_MS)
  }

  #inBackground(): void {
    // What is not confirmed is told again at the next hand-over, and goes into the mark at the latest.
    this.handOver().catch((error: unknown) => console.warn('afield: counts could not be stored yet', error))
  }

  #freeze(): void {
    if (this.#counted === 0) return
    const cells = this.#tallies.map((tally) => this.#cell(tally))
    this.#handedOver.push({ life: this.#life, sequence: ++this.#sequence, cells })
    this.#tallies = []
    this.#counted = 0
  }

  #cell({ served, day, count, latency, errors }: Tally): OpenCell {
    return {
      cell: { ...served, model: served.model as ModelName, device: this.#device },
      day,
      ops: { ...emptyOps(), count, latency, errors },
    }
  }
}
