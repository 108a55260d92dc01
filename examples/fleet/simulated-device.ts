import { AfieldError, type AfieldTelemetryOptions } from 'afield'
import { createDevice, type Device } from 'afield/node'
import type { FleetDevice } from '../team/api.js'
import { around, type Random } from './random.js'

const MODEL = 'learner-risk'
const LOOK_EVERY_MS = 20_000
const FLUSH_EVERY_MS = 10_000

export interface SimulatedDeviceOptions {
  readonly id: number
  readonly repository: string
  readonly root: string
  readonly telemetry: AfieldTelemetryOptions | undefined
  /** Milliseconds between predictions, give or take a half. */
  readonly predictEveryMs: number
  readonly random: Random
  /** Called whenever {@link SimulatedDevice.state} is another. */
  readonly onChange: () => void
}

/** A device that lives: it loads the model, predicts now and then, reports, and looks for news. */
export class SimulatedDevice {
  readonly #options: SimulatedDeviceOptions
  readonly #device: Device
  readonly #timers = new Set<ReturnType<typeof setTimeout>>()
  #state: FleetDevice
  #looking: Promise<void> = Promise.resolve()
  #answers = 0
  #errors = 0
  #stopped = false

  constructor(options: SimulatedDeviceOptions) {
    this.#options = options
    const { id, repository, root, telemetry } = options
    this.#state = { id, version: undefined, bucket: undefined, reason: 'starting', failed: [] }
    this.#device = createDevice({
      repository,
      root,
      ...(telemetry ? { telemetry } : {}),
      onEvent: ({ type }) => {
        if (type === 'update' || type === 'rejected' || type === 'refused') this.#background(this.#refresh())
      },
    })
  }

  get state(): FleetDevice {
    return this.#state
  }

  get answers(): number {
    return this.#answers
  }

  /** Predictions that were answered with an error. */
  get errors(): number {
    return this.#errors
  }

  /** Loads the model; from then on the device lives by itself. */
  async start(): Promise<void> {
    await this.#attempt(() => this.#device.load(MODEL))
    await this.#refresh()
    const { predictEveryMs, random } = this.#options
    this.#after(random() * predictEveryMs, async () => {
      await this.#predict()
      this.#every(predictEveryMs, () => this.#predict())
    })
    this.#every(LOOK_EVERY_MS, () => this.#look())
    if (this.#options.telemetry) this.#every(FLUSH_EVERY_MS, () => this.#attempt(() => this.#device.flush()))
  }

  /** Looks for news at a moment within this time. */
  hearNews(withinMs: number): void {
    this.#after(this.#options.random() * withinMs, () => this.#look())
  }

  async stop(): Promise<void> {
    this.#stopped = true
    for (const timer of this.#timers) clearTimeout(timer)
    await this.#looking
    if (this.#options.telemetry) await this.#attempt(() => this.#device.flush())
    await this.#device.close()
  }

  async #predict(): Promise<void> {
    const { random } = this.#options
    const record = { hours_studied: Math.round(random() * 600) / 10, quiz_score: Math.round(random() * 100) }
    const answered = await this.#attempt(() => this.#device.predict(MODEL, record))
    if (answered) this.#answers += 1
    else this.#errors += 1
  }

  /** One look after the other. */
  #look(): Promise<void> {
    this.#looking = this.#looking.then(async () => {
      if (this.#stopped) return
      await this.#attempt(() => this.#device.check())
      await this.#refresh()
    })
    return this.#looking
  }

  async #refresh(): Promise<void> {
    const why = await this.#attempt(() => this.#device.explain(MODEL))
    if (!why || this.#stopped) return
    const next: FleetDevice = {
      id: this.#state.id,
      version: why.version,
      bucket: why.bucket,
      reason: why.reason,
      failed: why.failures.map(({ version }) => version),
    }
    if (JSON.stringify(next) === JSON.stringify(this.#state)) return
    this.#state = next
    this.#options.onChange()
  }

  /** A killed model or an unreachable repository is a device's everyday life; `explain()` tells of it. */
  async #attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof AfieldError) return undefined
      throw error
    }
  }

  #every(ms: number, work: () => Promise<void>): void {
    this.#after(around(this.#options.random, ms), async () => {
      await work()
      this.#every(ms, work)
    })
  }

  #after(ms: number, work: () => Promise<void>): void {
    if (this.#stopped) return
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      this.#background(work())
    }, ms)
    this.#timers.add(timer)
  }

  #background(work: Promise<void>): void {
    work.catch((error: unknown) => console.error(`Device ${this.#state.id}:`, error))
  }
}
