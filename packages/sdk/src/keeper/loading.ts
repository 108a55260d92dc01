import { AfieldError, type ErrorCode } from '@afield/protocol'
import { abortedWith } from '../abort.js'
import type { Activator } from './activation/activator.js'
import type { Background } from './background.js'
import type { Checks } from './checks.js'
import type { Ports, Served } from './ports.js'
import type { LoadRequest, Routes } from './routes.js'

/** `latest` waits this long for the repository before what is on the device serves. */
const LATEST_DEADLINE_MS = 4_000

/** What the app or its user declined, or what is not there, is not looked for in the background. */
const GIVEN_UP: readonly ErrorCode[] = [
  'aborted',
  'download/declined',
  'download/too-large',
  'model/not-found',
]

export interface LoadingRules {
  /** `local`: serve what is here, then check. `latest`: check first, within a deadline. `offline`: never check. */
  readonly policy: 'local' | 'latest' | 'offline'
  /** URL of the folder that the app ships; see `AfieldOptions.seed`. */
  readonly seed: string | undefined
}

interface LoadingOptions {
  readonly checks: Checks
  readonly routes: Routes
  readonly background: Background
  readonly rules: LoadingRules
}

/** How a model that does not serve comes to serve. */
export class Loading {
  readonly #ports: Ports
  readonly #checks: Checks
  readonly #routes: Routes
  readonly #background: Background
  readonly #rules: LoadingRules

  constructor(ports: Ports, { checks, routes, background, rules }: LoadingOptions) {
    this.#ports = ports
    this.#checks = checks
    this.#routes = routes
    this.#background = background
    this.#rules = rules
  }

  /** What serves once it does. */
  async load(model: string, request: LoadRequest, signal: AbortSignal | undefined): Promise<Served> {
    for (;;) {
      const activator = await this.#routes.open(model, request)
      // What serves is not kept waiting by an update that downloads.
      const serves = this.#rules.policy !== 'latest' && activator.running
      if (serves) return serves.served
      const current = await this.#routes.turn(activator, () => this.#bringUpCurrent(activator, signal))
      if (!current) continue
      const { running } = activator
      if (running) return running.served
      throw new AfieldError('internal/unexpected', `Nothing serves "${model}" after it was loaded.`)
    }
  }

  /** Resolves as soon as something serves again, also where another version still downloads. */
  async recover(route: string): Promise<void> {
    const activator = this.#routes.get(route)
    if (!activator) return
    const serving = activator.nextSwap()
    activator.lose()
    const turn = this.#routes.turn(activator, async () => {
      if (!activator.running) await this.#bringUp(activator, undefined)
    })
    this.#background.run('the recovery', () => turn)
    await Promise.race([serving, turn])
  }

  /** False when the model was removed, or given up, while this waited for its turn. */
  async #bringUpCurrent(activator: Activator, signal: AbortSignal | undefined): Promise<boolean> {
    if (!this.#routes.has(activator)) return false
    try {
      await this.#bringUp(activator, signal)
      return true
    } catch (error) {
      const givenUp = error instanceof AfieldError && GIVEN_UP.includes(error.code)
      if (givenUp && !activator.running) this.#routes.forget(activator)
      throw error
    }
  }

  /** From the device where it can be, then from the app's own files, from the repository where it must. */
  async #bringUp(activator: Activator, signal: AbortSignal | undefined): Promise<void> {
    const { policy } = this.#rules
    await this.#checks.restore()
    if (policy === 'latest' && (await this.#latest(activator, signal))) return
    const stored = await this.#stored(activator)
    if (stored === 'serves') return
    if (stored === 'missing' && (await this.#seed(activator, signal))) return
    if (policy === 'offline') {
      const missing = `"${activator.model}" is not on this device, and the policy is "offline".`
      throw stored instanceof AfieldError ? stored : new AfieldError('model/not-found', missing)
    }
    try {
      await this.#checks.refresh(signal)
    } catch (error) {
      // Out of reach, what was refused here last stays refused.
      if (stored instanceof AfieldError) throw stored
      if (await this.#completed(activator, signal, error)) return
      throw error
    }
    await activator.reconcile(true, signal)
  }

  /** Without news, a download that was interrupted may still end: its bytes may be elsewhere than its metadata. */
  async #completed(
    activator: Activator,
    signal: AbortSignal | undefined,
    unreached: unknown,
  ): Promise<boolean> {
    if (signal?.aborted || !(unreached instanceof AfieldError)) return false
    if (!this.#checks.manifest?.models.has(activator.model)) return false
    this.#ports.log('info', 'The check failed; what is known is downloaded.', unreached)
    try {
      return await activator.reconcile(true, signal)
    } catch (error) {
      if (signal?.aborted || !(error instanceof AfieldError) || error === activator.refusal) throw error
      this.#ports.log('info', 'That failed too.', error)
      return false
    }
  }

  /** A refusal that is stored may be out of date, so it is returned and not thrown. */
  async #stored(activator: Activator): Promise<'serves' | 'missing' | AfieldError> {
    if (!this.#checks.manifest?.models.has(activator.model)) return 'missing'
    try {
      return (await activator.reconcile(false)) ? 'serves' : 'missing'
    } catch (error) {
      if (error instanceof AfieldError && error === activator.refusal) return error
      throw error
    }
  }

  /** A first visit is served from the app's own files, if they hold the model; the repository is asked afterwards. */
  async #seed(activator: Activator, signal: AbortSignal | undefined): Promise<boolean> {
    if (this.#rules.seed === undefined) return false
    await this.#checks.adoptSeed(signal)
    if (!this.#checks.manifest?.models.has(activator.model)) return false
    try {
      return await activator.reconcile(true, signal)
    } catch (error) {
      if (signal?.aborted || !(error instanceof AfieldError) || error === activator.refusal) throw error
      this.#ports.log('warn', 'The seed that the app ships could not be used.', error)
      return false
    }
  }

  /** The newest state if it and its bytes come in time; false when the device serves what it has. */
  async #latest(activator: Activator, signal: AbortSignal | undefined): Promise<boolean> {
    const { controller, detach } = abortedWith(signal)
    const cancel = this.#ports.clock.after(LATEST_DEADLINE_MS, () => controller.abort())
    try {
      await this.#checks.refresh(controller.signal)
      return await activator.reconcile(true, controller.signal)
    } catch (error) {
      if (signal?.aborted || !(error instanceof AfieldError) || error === activator.refusal) throw error
      this.#ports.log('info', 'No news came in time; what is on the device serves.', error)
      return false
    } finally {
      cancel()
      detach()
    }
  }
}
