import type { ErrorCode, FunnelStep, ModelName } from '@afield/protocol'
import { dayOf, record, type Day, type MutableHistogram } from '@afield/protocol/counting'
import type { Served } from '../keeper/ports.js'
import type { Observation, OpenCell } from '../keeper/telemetry/port.js'
import type { DeviceClass } from './platform.js'

/** Counts go to the keeper after this many, or after this long, whichever comes first. */
const HAND_OVER_COUNT = 50
const HAND_OVER_MS = 30_000
/** While nothing can be stored, every hiding of the page tells one observation more; from here on it waits instead. */
const MAX_TOLD = 16

interface Tally {
  readonly served: Served
  readonly day: Day
  count: number
  readonly latency: MutableHistogram
  readonly errors: { [code in ErrorCode]?: number }
  readonly funnel: { [step in FunnelStep]?: number }
}

/**
 * Counts predictions on the page and hands them to the keeper, one hand-over at a time. What was told once, to the
 * keeper or in the page's mark, is told again unchanged until it is confirmed as durable; what was counted since joins
 * it only then, so that failing storage costs no more than one observation.
 */
export class Observer {
  readonly #life: string
  readonly #device: DeviceClass
  readonly #send: (observations: readonly Observation[]) => Promise<void>
  readonly #complain: (cause: unknown) => void
  #tallies: Tally[] = []
  #counted = 0
  #sequence = 0
  /** Told and not yet confirmed. */
  #told: Observation[] = []
  #underWay: Promise<void> | undefined
  /** The hand-over that follows the one under way. */
  #next: Promise<void> | undefined
  #failing = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(
    life: string,
    device: DeviceClass,
    send: (observations: readonly Observation[]) => Promise<void>,
    complain: (cause: unknown) => void,
  ) {
    this.#life = life
    this.#device = device
    this.#send = send
    this.#complain = complain
  }

  /** @param ms from the call of `predict()` to its answer. */
  answered(served: Served, ms: number): void {
    const tally = this.#tally(served)
    tally.count += 1
    record(tally.latency, ms)
    this.#counted += 1
    this.#handOverSoon()
  }

  /** @param times predictions that failed alike. */
  failed(served: Served, code: ErrorCode, times = 1): void {
    if (times === 0) return
    add(this.#tally(served).errors, code, times)
    this.#counted += times
    this.#handOverSoon()
  }

  /** A step that a version got to, which the keeper could not count itself. */
  reached(served: Served, step: FunnelStep, code: ErrorCode | undefined): void {
    const { funnel, errors } = this.#tally(served)
    add(funnel, step)
    if (code) add(errors, code)
    this.#counted += 1
    this.#handOverSoon()
  }

  /** Hands over all that was counted until now; resolves when it is durable. */
  handOver(): Promise<void> {
    if (this.#next) return this.#next
    if (!this.#underWay) return this.#begin()
    const begin = (): Promise<void> => {
      this.#next = undefined
      return this.#begin()
    }
    this.#next = this.#underWay.then(begin, begin)
    return this.#next
  }

  /**
   * Everything that is not known to be durable. Telling it again is harmless.
   *
   * @param isLast when the page goes, so that nothing is left to wait.
   */
  unconfirmed(isLast = false): readonly Observation[] {
    this.#freeze(isLast)
    return this.#told
  }

  /** Hands over nothing more by itself. */
  close(): void {
    clearTimeout(this.#timer)
  }

  #begin(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const run = this.#tell()
    this.#underWay = run
    const ended = (failing: boolean) => () => {
      this.#underWay = undefined
      this.#failing = failing
    }
    run.then(ended(false), ended(true))
    return run
  }

  async #tell(): Promise<void> {
    await this.#sendTold()
    this.#freeze()
    await this.#sendTold()
  }

  async #sendTold(): Promise<void> {
    const observations = [...this.#told]
    if (observations.length === 0) return
    await this.#send(observations)
    this.#told = this.#told.filter((observation) => !observations.includes(observation))
  }

  #tally(served: Served): Tally {
    const day = dayOf(Date.now())
    const known = this.#tallies.find((tally) => tally.served === served && tally.day === day)
    if (known) return known
    const tally: Tally = { served, day, count: 0, latency: {}, errors: {}, funnel: {} }
    this.#tallies.push(tally)
    return tally
  }

  #handOverSoon(): void {
    const full = this.#counted >= HAND_OVER_COUNT
    if (full && !this.#underWay && !this.#failing) this.#inBackground()
    else this.#timer ??= setTimeout(() => this.#inBackground(), HAND_OVER_MS)
  }

  #inBackground(): void {
    // What is not confirmed is told again at the next hand-over, and goes into the mark at the latest.
    this.handOver().catch(this.#complain)
  }

  #freeze(isLast = false): void {
    if (this.#counted === 0 || (this.#told.length >= MAX_TOLD && !isLast)) return
    const cells = this.#tallies.map((tally) => this.#cell(tally))
    this.#told.push({ life: this.#life, sequence: ++this.#sequence, cells })
    this.#tallies = []
    this.#counted = 0
  }

  #cell({ served, day, count, latency, errors, funnel }: Tally): OpenCell {
    return {
      cell: { ...served, model: served.model as ModelName, device: this.#device },
      day,
      ops: { count, errors, funnel, latency },
    }
  }
}

function add<K extends string>(counts: { [name in K]?: number }, name: K, times = 1): void {
  counts[name] = (counts[name] ?? 0) + times
}
