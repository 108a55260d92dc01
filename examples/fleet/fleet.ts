import type { AfieldTelemetryOptions } from 'afield'
import type { FleetDevice } from '../team/api.js'
import { seededRandom } from './random.js'
import { SimulatedDevice } from './simulated-device.js'

export interface FleetOptions {
  readonly repository: string
  /** The repository's root metadata. */
  readonly root: string
  readonly devices: number
  readonly telemetry?: AfieldTelemetryOptions | undefined
  /** Decides what is asked and when; which device gets which bucket is each device's own chance. */
  readonly seed: number
  readonly onChange?: () => void
}

/** Predictions a second, all devices together. */
const PREDICTIONS_PER_SECOND = 12
/** Devices that start at the same time. */
const STARTING_AT_ONCE = 4

/** Devices in this process. */
export class Fleet {
  readonly #devices: readonly SimulatedDevice[]

  constructor({ devices, seed, onChange, telemetry, repository, root }: FleetOptions) {
    this.#devices = Array.from(
      { length: devices },
      (_, id) =>
        new SimulatedDevice({
          id,
          repository,
          root,
          telemetry,
          predictEveryMs: (1000 * devices) / PREDICTIONS_PER_SECOND,
          random: seededRandom(seed * 100_003 + id),
          onChange: onChange ?? (() => undefined),
        }),
    )
  }

  get devices(): readonly FleetDevice[] {
    return this.#devices.map(({ state }) => state)
  }

  get answers(): number {
    return this.#sum(({ answers }) => answers)
  }

  get errors(): number {
    return this.#sum(({ errors }) => errors)
  }

  /** Resolves when every device has tried to load the model. */
  async start(): Promise<void> {
    const waiting = this.#devices.values()
    const startNext = async (): Promise<void> => {
      for (const device of waiting) await device.start()
    }
    await Promise.all(Array.from({ length: STARTING_AT_ONCE }, startNext))
  }

  hearNews(withinMs: number): void {
    for (const device of this.#devices) device.hearNews(withinMs)
  }

  /** Sends what was counted and ends every device. */
  async stop(): Promise<void> {
    await Promise.all(this.#devices.map((device) => device.stop()))
  }

  #sum(count: (device: SimulatedDevice) => number): number {
    return this.#devices.reduce((sum, device) => sum + count(device), 0)
  }
}
