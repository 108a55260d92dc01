import * as v from 'valibot'
import {
  DaySchema,
  MAX_COUNT,
  asAfieldError,
  dayOf,
  utf8,
  type Batch,
  type BatchId,
  type Day,
  type DropReason,
  type Ops,
  type Version,
} from '@afield/protocol'
import type { KeyValueStore, Ports } from '../ports.js'
import { randomName } from '../random-name.js'
import { understood } from '../understood.js'
import { readWindow, splitByFloor, take, type Observation, type OpenCell, type Window } from './window.js'

const ROOM = 'telemetry/'
const WINDOW = `${ROOM}window`
const DAYS = `${ROOM}days`
const LEDGER = `${ROOM}ledger`
const OUTBOX = `${ROOM}batch/`

const MAX_OUTBOX_BYTES = 512 * 1024
const MAX_AGE_MS = 35 * 24 * 60 * 60 * 1000
const SEND_TIMEOUT_MS = 20_000
/** The first look at what earlier visits left, once the page has what it came for. */
const FIRST_ROUND_MS = 5_000
const BACKOFF_FIRST_MS = 5_000
const BACKOFF_MOST_MS = 60 * 60 * 1000

/** A sealed batch: its bytes are final, so that a retry sends the same. */
const SealedSchema = v.object({ text: v.string(), sealedAt: v.number() })
type Sealed = v.InferOutput<typeof SealedSchema>

const LedgerSchema = v.object({
  sent: v.number(),
  lastSent: v.optional(v.string()),
  drops: v.record(v.string(), v.number()),
})
const DaysSchema = v.record(v.string(), DaySchema)

type Ledger = v.InferOutput<typeof LedgerSchema>

export interface TelemetryOptions {
  /** Where batches are posted, such as `https://telemetry.example.com/v1/batches`. */
  readonly endpoint: string
  readonly key: string
  readonly sealEveryMs: number
  /** Windows with fewer answers send no counts and no latencies. */
  readonly floor: number
  readonly sdk: Version
}

/** What the device holds and has sent, for the app to show. */
export interface TelemetryReport {
  readonly state: 'on' | 'off'
  /** Counted and not sealed yet. */
  readonly open: readonly OpenCell[]
  /** The very bytes that wait to be sent, oldest first. */
  readonly pending: readonly string[]
  readonly sent: number
  /** The very bytes that were sent last. */
  readonly lastSent: string | undefined
  readonly drops: Readonly<Record<string, number>>
}

export const TELEMETRY_OFF: TelemetryReport = {
  state: 'off',
  open: [],
  pending: [],
  sent: 0,
  lastSent: undefined,
  drops: {},
}

/**
 * The way of a batch: observations are checkpointed in a window, the window is sealed into batches in one
 * transaction, batches are sent and deleted once the collector has said 2xx. Each step leaves either the state
 * before it or the state after it on disk, so a killed tab neither loses nor doubles a count.
 */
export class Telemetry {
  readonly #ports: Ports
  readonly #options: TelemetryOptions
  #failures = 0
  /** What the collector asked for with its last answer. */
  #retryAfterMs = 0
  #cancelTimer: (() => void) | undefined
  #closed = false

  constructor(ports: Ports, options: TelemetryOptions) {
    this.#ports = ports
    this.#options = options
    // A visit shorter than the interval must not leave its counts waiting for a longer one.
    this.#schedule(Math.min(FIRST_ROUND_MS, options.sealEveryMs))
  }

  /** Takes observations into the checkpoint; when this resolves they are durable. */
  async observe(observations: readonly Observation[]): Promise<void> {
    const full = await this.#locked(async () => {
      const before = readWindow(await this.#ports.state.get(WINDOW))
      const now = this.#ports.clock.now()
      const window = observations.reduce((sum, observation) => take(sum, observation, now), before)
      if (window !== before) await this.#ports.state.write(new Map([[WINDOW, window]]))
      return Object.values(window.cells).some(({ ops }) => largestCount(ops) > MAX_COUNT / 2)
    })
    if (full) await this.#seal()
  }

  /** Seals and sends what there is, without waiting for the next round. */
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
      pending: (await this.#outbox()).map(([, sealed]) => sealed.text),
      sent: ledger.sent,
      lastSent: ledger.lastSent,
      drops: ledger.drops,
    }
  }

  close(): void {
    this.#closed = true
    this.#cancelTimer?.()
  }

  #schedule(ms: number): void {
    this.#cancelTimer?.()
    if (this.#closed) return
    this.#cancelTimer = this.#ports.clock.after(ms, () => {
      this.#round().catch((error: unknown) => {
        this.#ports.log(
          'error',
          'A telemetry round failed.',
          asAfieldError(error, 'internal/unexpected', 'Telemetry'),
        )
      })
    })
  }

  async #round(): Promise<void> {
    let wait = this.#options.sealEveryMs
    try {
      const { openedAt } = readWindow(await this.#ports.state.get(WINDOW))
      const age = openedAt === undefined ? 0 : this.#ports.clock.now() - openedAt
      // A clock that went back must not keep a window open for ever.
      if (age >= this.#options.sealEveryMs || age < 0) await this.#seal()
      else wait -= age
      await this.#send()
    } finally {
      this.#schedule(this.#failures === 0 ? wait : Math.max(this.#retryAfterMs, this.#backoff()))
    }
  }

  #locked<T>(task: () => Promise<T>): Promise<T> {
    return this.#ports.locks.hold('telemetry', task)
  }

  /** Window to batches: deletes the one and writes the others in one transaction. */
  #seal(): Promise<void> {
    return this.#locked(async () => {
      const { state, clock, random } = this.#ports
      const window = readWindow(await state.get(WINDOW))
      const now = clock.now()
      const today = dayOf(now)
      const days = readDays(await state.get(DAYS))
      const changes = new Map<string, unknown>()
      const kept: Record<string, OpenCell> = {}
      let withheld = 0
      for (const [key, open] of Object.entries(window.cells)) {
        const { send, keep } = splitByFloor(open.ops, this.#options.floor)
        if (keep && open.day >= today) kept[key] = { ...open, ops: keep }
        else if (keep) withheld += 1
        if (!send) continue
        const place = `${open.cell.model}@${open.cell.version} ${open.day}`
        const batch: Batch = {
          v: 1,
          id: randomName(random) as BatchId,
          day: open.day,
          sdk: this.#options.sdk,
          cell: open.cell,
          firstToday: !days.has(place),
          ops: send,
        }
        days.set(place, open.day)
        changes.set(OUTBOX + batch.id, { text: JSON.stringify(batch), sealedAt: now } satisfies Sealed)
      }
      if (changes.size > 0 || withheld > 0) {
        const oldest = dayOf(now - MAX_AGE_MS)
        const taken = Object.entries(window.taken).filter(([, { day }]) => day >= oldest)
        const open = Object.keys(kept).length > 0 ? { openedAt: now } : {}
        changes.set(WINDOW, { cells: kept, taken: Object.fromEntries(taken), ...open } satisfies Window)
        changes.set(DAYS, Object.fromEntries([...days].filter(([, day]) => day >= oldest)))
        const ledger = readLedger(await state.get(LEDGER))
        if (withheld > 0) changes.set(LEDGER, dropped(ledger, 'withheld', withheld))
        await state.write(changes)
      }
      await this.#evict(now)
    })
  }

  /** Keeps the outbox within its bounds, oldest out first, and writes down how many were given up. */
  async #evict(now: number): Promise<void> {
    const { state } = this.#ports
    const outbox = await this.#outbox()
    let bytes = outbox.reduce((sum, [, sealed]) => sum + sealed.text.length, 0)
    const changes = new Map<string, unknown>()
    let ledger = readLedger(await state.get(LEDGER))
    for (const [key, sealed] of outbox) {
      const expired = now - sealed.sealedAt > MAX_AGE_MS
      if (!expired && bytes <= MAX_OUTBOX_BYTES) continue
      bytes -= sealed.text.length
      ledger = dropped(ledger, expired ? 'expired' : 'evicted', 1)
      changes.set(key, undefined)
    }
    if (changes.size > 0) await state.write(changes.set(LEDGER, ledger))
  }

  /** One tab sends at a time; a batch is deleted only after the collector has said that it is kept. */
  #send(): Promise<void> {
    return this.#ports.locks.hold('telemetry-send', async () => {
      for (const [key, sealed] of await this.#outbox()) {
        const outcome = await this.#post(sealed.text)
        if (outcome === 'later') {
          this.#failures += 1
          return
        }
        await this.#locked(async () => {
          const ledger = readLedger(await this.#ports.state.get(LEDGER))
          const next: Ledger =
            outcome === 'kept'
              ? { ...ledger, sent: ledger.sent + 1, lastSent: sealed.text }
              : dropped(ledger, 'refused', 1)
          await this.#ports.state.write(
            new Map<string, unknown>([
              [key, undefined],
              [LEDGER, next],
            ]),
          )
        })
      }
      this.#failures = 0
    })
  }

  async #post(text: string): Promise<'kept' | 'refused' | 'later'> {
    const { endpoint, key } = this.#options
    const controller = new AbortController()
    const stop = this.#ports.clock.after(SEND_TIMEOUT_MS, () => controller.abort())
    try {
      const response = await this.#ports.fetch(`${endpoint}?key=${encodeURIComponent(key)}`, {
        method: 'POST',
        // text/plain needs no preflight from another origin.
        headers: { 'content-type': 'text/plain' },
        body: text,
        credentials: 'omit',
        referrerPolicy: 'no-referrer',
        keepalive: utf8(text).length < 60_000,
        signal: controller.signal,
      })
      await response.body?.cancel()
      this.#retryAfterMs = retryAfterMs(response)
      if (response.ok) return 'kept'
      const passing = response.status >= 500 || response.status === 429 || response.status === 408
      this.#ports.log(
        passing ? 'debug' : 'warn',
        `The collector answered ${response.status} to a telemetry batch.`,
      )
      return passing ? 'later' : 'refused'
    } catch (error) {
      const what = 'The collector could not be reached; batches wait.'
      this.#ports.log('debug', what, asAfieldError(error, 'internal/unexpected', what))
      return 'later'
    } finally {
      stop()
    }
  }

  /** Full jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). */
  #backoff(): number {
    const most = Math.min(BACKOFF_MOST_MS, BACKOFF_FIRST_MS * 2 ** this.#failures)
    const [a = 0, b = 0] = this.#ports.random(2)
    return Math.max(1000, (most * (a * 256 + b)) / 65_536)
  }

  async #outbox(): Promise<readonly (readonly [string, Sealed])[]> {
    const { state } = this.#ports
    const keys = (await state.keys()).filter((key) => key.startsWith(OUTBOX))
    const values = await state.getMany(keys)
    return keys
      .flatMap((key, i) => {
        const sealed = understood(SealedSchema, values[i])
        return sealed ? [[key, sealed] as const] : []
      })
      .sort(([, a], [, b]) => a.sealedAt - b.sealedAt)
  }
}

/** What was counted while telemetry was on is deleted, unsent, once it is off; without any, nothing is written. */
export async function forgetTelemetry(state: KeyValueStore): Promise<void> {
  const keys = (await state.keys()).filter((key) => key.startsWith(ROOM))
  if (keys.length > 0) await state.write(new Map(keys.map((key) => [key, undefined])))
}

function dropped(ledger: Ledger, reason: DropReason | 'withheld', count: number): Ledger {
  return { ...ledger, drops: { ...ledger.drops, [reason]: (ledger.drops[reason] ?? 0) + count } }
}

/** Only seconds: a date would trust the device's clock. At most the longest pause there is. */
function retryAfterMs(response: Response): number {
  const seconds = Number(response.headers.get('retry-after'))
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(BACKOFF_MOST_MS, seconds * 1000) : 0
}

function readLedger(value: unknown): Ledger {
  return understood(LedgerSchema, value) ?? { sent: 0, drops: {} }
}

/** Which versions a device has told of on which day: its device-days, so that each is told once. */
function readDays(value: unknown): Map<string, Day> {
  return new Map(Object.entries(understood(DaysSchema, value) ?? {}))
}

function largestCount({ count, errors }: Ops): number {
  return Math.max(count, ...Object.values(errors))
}
