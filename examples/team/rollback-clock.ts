import type { FleetDevice } from './api.js'

/** What devices should stop running: one version, or every version. */
export type Withdrawn = { readonly version: string } | 'everything'

/** Measures how long a kill takes to reach the last device. */
export class RollbackClock {
  #withdrawn: Withdrawn | undefined
  #began = 0
  #ms: number | undefined

  /** From the end of the last kill until no device ran what it took back; `undefined` while some still do. */
  get ms(): number | undefined {
    return this.#ms
  }

  /** The command that takes something back has ended. */
  start(withdrawn: Withdrawn, fleet: readonly FleetDevice[]): void {
    this.#withdrawn = withdrawn
    this.#began = performance.now()
    this.#ms = undefined
    this.watch(fleet)
  }

  watch(fleet: readonly FleetDevice[]): void {
    const withdrawn = this.#withdrawn
    if (withdrawn === undefined || fleet.some((device) => runs(device, withdrawn))) return
    this.#ms = Math.round(performance.now() - this.#began)
    this.#withdrawn = undefined
  }
}

function runs({ version }: FleetDevice, withdrawn: Withdrawn): boolean {
  return withdrawn === 'everything' ? version !== undefined : version === withdrawn.version
}
