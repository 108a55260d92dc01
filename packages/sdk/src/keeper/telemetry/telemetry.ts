import { MAX_COUNT, asAfieldError, type ErrorCode, type FunnelStep, type Ops } from '@afield/protocol'
import type { Served } from '../ports.js'
import { randomName } from '../random-name.js'
import { ROOM } from './off.js'
import { dropped, readLedger, type Ledger } from './ledger.js'
import { evict, readOutbox, waitingOf } from './outbox.js'
import { ownCounts, type CountStep } from './own-counts.js'
import type { OpenTelemetry, Telemetry, TelemetryOptions, TelemetryPorts, TelemetryReport } from './port.js'
import { readDays, seal } from './seal.js'
import { backoffMs, post } from './send.js'
import { isObservation, readWindow, take } from './window.js'

const WINDOW = `${ROOM}window`
const DAYS = `${ROOM}days`
const LEDGER = `${ROOM}ledger`

/**
 * The way of a batch: observations are checkpointed in a window, the window is sealed into batches in one
 * transaction, batches are sent and deleted once the collector has said 2xx. Each step leaves either the state
 * before it or the state after it on disk, so a killed tab neither loses nor doubles a count.
 */
class DeviceTelemetry implements Telemetry {
  readonly #ports: TelemetryPorts
  readonly #options: TelemetryOptions
  readonly #observed: CountStep
  #failures = 0
  /** What the collector asked for with its last answer. */
  #retryAfterMs = 0
  #cancelTimer: (() => void) | undefined
  #closed = false

  constructor(ports: TelemetryPorts, options: TelemetryOptions, life: string) {
    this.#ports = ports
    this.#options = options
    this.#observed = ownCounts(ports, life)
  }

  async observe(told: readonly unknown[]): Promise<void> {
    const observations = told.filter(isObservation)
    if (observations.length < told.length) {
      this.#ports.log('warn', 'A mark of an earlier page is unreadable; its counts are dropped.')
    }
    const full = await this.#locked(async () => {
      const before = readWindow(await this.#ports.state.get(WINDOW))
      const now = this.#ports.clock.now()
      const window = observations.reduce((sum, observation) => take(sum, observation, now), before)
      if (window !== before) await this.#ports.state.write(new Map([[WINDOW, window]]))
      return Object.values(window.cells).some(({ ops }) => largestCount(ops) > MAX_COUNT / 2)
    })
    if (full) await this.#seal()
  }

  count(served: Served, step: FunnelStep, error?: ErrorCode): Promise<void> {
    return this.observe([this.#observed(served, step, error)])
  }

  start(): void {
    if (this.#closed) return
    this.#round().catch((error: unknown) => {
      this.#ports.log(
        'error',
        'A telemetry round failed.',
        asAfieldError(error, 'internal/unexpected', 'Telemetry'),
      )
    })
  }

  async flush(): Promise<void> {
    await this.#seal()
    await this.#send()
  }

  async report(): Promise<TelemetryReport> {
    const { state } = this.#ports
    const ledger = readLedger(await state.get(LEDGER))
    return {
      state: 'on',
      open: Object.values(readWindow(await state.get(WINDOW)).cells),
      pending: (await readOutbox(state)).map(([, sealed]) => sealed.text),
      sent: ledger.sent,
      lastSent: ledger.lastSent,
      drops: ledger.drops,
    }
  }

  close(): void {
    this.#closed = true
    this.#cancelTimer?.()
  }

  async #round(): Promise<void> {
    const { clock, random, state } = this.#ports
    let wait = this.#options.sealEveryMs
    try {
      const { openedAt } = readWindow(await state.get(WINDOW))
      const age = openedAt === undefined ? 0 : clock.now() - openedAt
      // A clock that went back must not keep a window open for ever.
      if (age >= this.#options.sealEveryMs || age < 0) await this.#seal()
      else wait -= age
      await this.#send()
    } finally {
      const pause =
        this.#failures === 0 ? wait : Math.max(this.#retryAfterMs, backoffMs(this.#failures, random))
      this.#cancelTimer?.()
      if (!this.#closed) this.#cancelTimer = clock.after(pause, () => this.start())
    }
  }

  #locked<T>(task: () => Promise<T>): Promise<T> {
    return this.#ports.locks.hold('telemetry', task)
  }

  /** Window to batches: deletes the one and writes the others in one transaction. */
  #seal(): Promise<void> {
    return this.#locked(async () => {
      const { state, clock, random } = this.#ports
      const now = clock.now()
      const before = readWindow(await state.get(WINDOW))
      const told = readDays(await state.get(DAYS))
      const { batches, window, days, withheld } = seal(before, told, this.#options, now, () =>
        randomName(random),
      )
      if (batches.length > 0 || withheld > 0) {
        const changes = new Map<string, unknown>(batches.map((batch) => waitingOf(batch, now)))
        changes.set(WINDOW, window).set(DAYS, Object.fromEntries(days))
        const ledger = readLedger(await state.get(LEDGER))
        if (withheld > 0) changes.set(LEDGER, dropped(ledger, 'withheld', withheld))
        await state.write(changes)
      }
      const { gone, ledger } = evict(await readOutbox(state), readLedger(await state.get(LEDGER)), now)
      if (gone.length > 0) await state.write(withoutBatches(gone, ledger))
    })
  }

  /** One tab sends at a time; a batch is deleted only after the collector has said that it is kept. */
  #send(): Promise<void> {
    const { locks, state } = this.#ports
    return locks.hold('telemetry-send', async () => {
      for (const [key, { text }] of await readOutbox(state)) {
        const { outcome, retryAfterMs } = await post(this.#ports, this.#options, text)
        this.#retryAfterMs = retryAfterMs
        if (outcome === 'later') {
          this.#failures += 1
          return
        }
        await this.#locked(async () => {
          const ledger = readLedger(await state.get(LEDGER))
          const next: Ledger =
            outcome === 'kept'
              ? { ...ledger, sent: ledger.sent + 1, lastSent: text }
              : dropped(ledger, 'refused', 1)
          await state.write(withoutBatches([key], next))
        })
      }
      this.#failures = 0
    })
  }
}

function withoutBatches(keys: readonly string[], ledger: Ledger): ReadonlyMap<string, unknown> {
  return new Map<string, unknown>(keys.map((key) => [key, undefined])).set(LEDGER, ledger)
}

function largestCount({ count, errors }: Ops): number {
  return Math.max(count, ...Object.values(errors))
}

const openTelemetry: OpenTelemetry = (ports, options, life) => new DeviceTelemetry(ports, options, life)
export default openTelemetry
