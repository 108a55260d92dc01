import type { Activator } from './activation/activator.js'
import type { Checks } from './checks.js'
import type { Ports, Served } from './ports.js'
import type { Routes } from './routes.js'

export interface CheckReport {
  readonly manifestVersion: number
  readonly at: number
}

interface FollowingOptions {
  readonly checks: Checks
  readonly routes: Routes
  /** Whether there is anything to fetch from: a repository or a seed. */
  readonly mayFetch: boolean
  /** Called for each model that serves after it followed. */
  readonly onFollowed: (served: Served) => void
}

/** How the models that this tab loaded follow what the repository, the app's seed or another tab has to say. */
export class Following {
  readonly #ports: Pick<Ports, 'host'>
  readonly #options: FollowingOptions

  constructor(ports: Pick<Ports, 'host'>, options: FollowingOptions) {
    this.#ports = ports
    this.#options = options
  }

  /** Asks the repository, and has every model follow; rejects with the first failure after all did what they could. */
  async check(signal?: AbortSignal): Promise<CheckReport> {
    const { checks } = this.#options
    const manifest = await checks.refresh(signal)
    await this.#followAll(signal)
    const [refused] = manifest.failures.values()
    if (refused) throw checks.noteFailure(refused)
    this.#ports.host.emit({ type: 'checked', manifestVersion: manifest.version })
    return { manifestVersion: manifest.version, at: manifest.checkedAt }
  }

  /** An app that was updated may ship something newer than the device has seen. */
  async adoptSeed(): Promise<void> {
    if (await this.#options.checks.adoptSeed(undefined)) await this.#followAll(undefined)
  }

  /** Another tab stored something newer: it is verified here too. */
  async adoptStored(): Promise<void> {
    if (await this.#options.checks.reread()) await this.#followAll(undefined)
  }

  /** Side by side: a kill of one model does not wait for the download of another. */
  async #followAll(signal: AbortSignal | undefined): Promise<void> {
    const failures: unknown[] = []
    const follow = async (activator: Activator): Promise<void> => {
      try {
        await this.#follow(activator, signal)
      } catch (error) {
        // That nothing may serve is what the check found out, not how it failed.
        if (error === activator.refusal || !this.#options.routes.has(activator)) return
        failures.push(this.#options.checks.noteFailure(error))
      }
    }
    await Promise.all(this.#options.routes.all().map(follow))
    if (failures.length > 0) throw failures[0]
  }

  #follow(activator: Activator, signal: AbortSignal | undefined): Promise<void> {
    const { routes, mayFetch, onFollowed } = this.#options
    return routes.turn(activator, async () => {
      if (!routes.has(activator)) return
      await activator.reconcile(mayFetch, signal)
      if (activator.running) onFollowed(activator.running.served)
    })
  }
}
