import { AfieldError, type ErrorCode, type FunnelStep } from '@afield/protocol'
import { abortable } from '../abort.js'
import type { Background } from './background.js'
import type { Ports, Served } from './ports.js'
import type { Telemetry, TelemetryOptions, TelemetryReport } from './telemetry/port.js'

/** What earlier visits left is sent once the page has what it came for. */
const FIRST_ROUND_MS = 5_000
const RETRY_MOST_MS = 60 * 60 * 1000
const LOAD_WITHIN_MS = 20_000

interface ReportingOptions extends TelemetryOptions {
  readonly background: Background
  readonly life: string
}

/**
 * The keeper's end of telemetry where it is on; its code is loaded when it is first needed. While that fails, all
 * counts stay with the page, which tells them again.
 */
export class Reporting {
  readonly #ports: Ports
  readonly #options: ReportingOptions
  #opening: Promise<Telemetry> | undefined
  #opened: Telemetry | undefined
  #attempts = 0
  /** In a row. */
  #failures = 0
  /** Ends when all that was counted here is told. */
  #counting: Promise<unknown> = Promise.resolve()
  #cancelTimer: (() => void) | undefined
  #closed = false

  constructor(ports: Ports, options: ReportingOptions) {
    this.#ports = ports
    this.#options = options
    // A visit shorter than the interval must not leave its counts waiting for a longer one.
    this.#startIn(Math.min(FIRST_ROUND_MS, options.sealEveryMs))
  }

  /** Counts a step that a version got to on this device. */
  count(served: Served, step: FunnelStep, error?: ErrorCode): void {
    const told = this.#counting.then(() => this.#tell(served, step, error))
    this.#counting = told.catch(() => undefined)
    this.#options.background.run('telemetry', () => told)
  }

  /**
   * Takes what pages counted; when this resolves it is durable, and otherwise theirs to tell again.
   *
   * @param observations from any version of the SDK, or from somebody else.
   * @throws AfieldError `telemetry/unavailable`, `storage/*`.
   */
  async observe(observations: readonly unknown[]): Promise<void> {
    if (observations.length > 0) await (await this.#open()).observe(observations)
  }

  /** @throws AfieldError `telemetry/unavailable`, `storage/*`. */
  async report(): Promise<TelemetryReport> {
    await this.#counting
    return (await this.#open()).report()
  }

  /** @throws AfieldError `telemetry/unavailable`, `storage/*`. */
  async flush(): Promise<void> {
    await this.#counting
    await (await this.#open()).flush()
  }

  /** Resolves when what was counted here is durable, or with the page. */
  async close(): Promise<void> {
    this.#closed = true
    this.#cancelTimer?.()
    this.#opened?.close()
    await this.#counting
  }

  async #tell(served: Served, step: FunnelStep, error: ErrorCode | undefined): Promise<void> {
    // Once it has failed, not every step tries again.
    const telemetry = this.#failures > 0 ? undefined : await this.#open().catch(() => undefined)
    await (telemetry ?? this.#ports.host).count(served, step, error)
  }

  #startIn(ms: number): void {
    this.#cancelTimer = this.#ports.clock.after(ms, () => {
      this.#open().then(
        (telemetry) => {
          if (!this.#closed) telemetry.start()
        },
        () => {
          if (!this.#closed) this.#startIn(Math.min(RETRY_MOST_MS, FIRST_ROUND_MS * 2 ** this.#failures))
        },
      )
    })
  }

  /** @throws AfieldError `telemetry/unavailable`; the next call tries again. */
  #open(): Promise<Telemetry> {
    this.#opening ??= this.#load().catch((cause: unknown) => {
      this.#opening = undefined
      throw this.#unavailable(cause)
    })
    return this.#opening
  }

  async #load(): Promise<Telemetry> {
    const { clock, loadTelemetry } = this.#ports
    // An import that stalls has no end of its own.
    const patience = new AbortController()
    const stop = clock.after(LOAD_WITHIN_MS, () => patience.abort())
    try {
      const open = await abortable(loadTelemetry(this.#attempts++), patience.signal)
      this.#failures = 0
      this.#opened = open(this.#ports, this.#options, this.#options.life)
      return this.#opened
    } finally {
      stop()
    }
  }

  #unavailable(cause: unknown): AfieldError {
    const error = new AfieldError(
      'telemetry/unavailable',
      "Afield's telemetry.js could not be loaded: the device is offline, or something blocks the file. Models serve; what is " +
        'counted waits, and is tried again.',
      { cause },
    )
    if (this.#failures++ === 0) this.#ports.log('warn', error.message, error)
    return error
  }
}
