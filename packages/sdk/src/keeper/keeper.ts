import { AfieldError, asAfieldError, type Version } from '@afield/protocol'
import type { GoldenQuestion, ListedVersion } from './catalogue.js'
import { gatherFacts, type Facts } from './facts.js'
import type { EngineCalls } from './engines/port.js'
import type { CheckReport } from './following.js'
import type { Ports, Served } from './ports.js'
import { makeRooms, type KeeperOptions, type Rooms } from './rooms.js'
import type { LoadRequest } from './routes.js'
import type { Stored } from './shelf.js'
import { TELEMETRY_OFF, forgetTelemetry } from './telemetry/off.js'
import type { Observation, TelemetryReport } from './telemetry/port.js'

export interface Usage {
  readonly stored: number
  readonly fetched: number
}

/** The marks that pages left behind when they were hidden or closed. */
export interface Marks {
  readonly closedLives: readonly string[]
  /** Of type {@link Observation}, unless another version of the SDK or somebody else wrote them. */
  readonly observations: readonly unknown[]
}

/**
 * The device's brain, one in each tab: follows the repository, decides, downloads, tries, remembers and reports. It
 * runs no model itself; see {@link Ports} for what it needs from the world.
 */
export class Keeper {
  readonly #ports: Ports
  readonly #options: KeeperOptions
  readonly #rooms: Rooms
  /** Trials are judged only after the marks were read that may excuse them. */
  #marks: Promise<unknown> = Promise.resolve()
  #engineCalls: Promise<EngineCalls> | undefined
  #attempts = 0

  constructor(ports: Ports, options: KeeperOptions) {
    this.#ports = ports
    this.#options = options
    this.#rooms = makeRooms(ports, options)
    const { background, following } = this.#rooms
    ports.channel.subscribe(() =>
      background.run('another tab changed something', () => following.adoptStored()),
    )
  }

  /** Takes over what earlier pages left: what they counted, and whether they died or were closed. */
  async adoptMarks({ closedLives, observations }: Marks): Promise<void> {
    const { records, reporting } = this.#rooms
    this.#marks = Promise.all(closedLives.map((life) => records.forgive(life)))
    await Promise.all([this.#marks, reporting?.observe(observations)])
  }

  /**
   * Makes a model serve and says what serves. A first load that was declined, aborted or names no model is forgotten;
   * one that failed otherwise is looked for again at the next check.
   *
   * @throws AfieldError `model/*`, `manifest/*`, `chunk/*`, `download/*`, `engine/*`, `storage/*`, `aborted`.
   */
  async load(model: string, request: LoadRequest, signal?: AbortSignal): Promise<Served> {
    await this.#marks
    return this.#rooms.loading.load(model, request, signal)
  }

  /**
   * Looks for news now and adopts them. Rejects when the check or what it asked for fails; what serves goes on
   * serving. Where the documents of one model are refused, the others follow first. A model that the team switched off
   * is news, not a failure.
   */
  async check(signal?: AbortSignal): Promise<CheckReport> {
    if (this.#options.policy === 'offline') {
      throw new AfieldError('manifest/unavailable', 'The policy is "offline", so nothing is fetched.')
    }
    for (const activator of this.#rooms.routes.all()) activator.askAgain()
    return this.#rooms.following.check(signal)
  }

  /** From now on the keeper looks for news by itself: at once, and then about every `checkEveryMs`. */
  follow(): void {
    const { background, checks, following, reporting } = this.#rooms
    if (this.#options.policy === 'offline') {
      background.run('the seed', () => following.adoptSeed())
      return
    }
    background.run('the check', async () => {
      try {
        await following.adoptSeed()
      } finally {
        await following.check()
      }
    })
    checks.schedule(() => background.run('the check', () => following.check()))
    const { state, retireOlder } = this.#ports
    if (!reporting) background.run('forgetting telemetry', () => forgetTelemetry(state))
    if (retireOlder) background.run('deleting older formats', retireOlder)
  }

  /** The page is in view or online again: looks for news unless it just did. */
  wake(): void {
    const { background, checks, following } = this.#rooms
    if (checks.isDue) background.run('the check', () => following.check())
  }

  /**
   * The engine of a route died: what is on the device is brought up again. Resolves as soon as something serves, also
   * where another version still downloads.
   */
  async recover(route: string): Promise<void> {
    return this.#rooms.loading.recover(route)
  }

  /** @param route the model's name, or `name@version` where a version was asked for. */
  async explain(route: string): Promise<Facts> {
    const activator = this.#rooms.routes.get(route)
    if (!activator?.decision)
      throw new AfieldError('model/not-found', `"${route}" was not loaded on this page. Call load() first.`)
    return gatherFacts(this.#ports, activator.decision, { ...this.#rooms, activator })
  }

  /** @throws AfieldError `model/not-found`, `manifest/*`. */
  versions(model: string): Promise<readonly ListedVersion[]> {
    return this.#rooms.catalogue.versions(model)
  }

  /** @throws AfieldError `model/not-found`, `input/invalid`. */
  golden(route: string): Promise<GoldenQuestion> {
    return this.#rooms.catalogue.golden(route)
  }

  async storage(): Promise<Stored> {
    const { checks, shelf } = this.#rooms
    return shelf.report(await checks.restore())
  }

  /** Bytes of a model on the device, and those that the repository sent in this page's life. */
  async usage(model: string): Promise<Usage> {
    const { models } = await this.storage()
    return {
      stored: models.find((stored) => stored.model === model)?.bytes ?? 0,
      fetched: this.#rooms.fetched.get(model) ?? 0,
    }
  }

  /**
   * Deletes a version from the device, or all of a model, which is then closed first. What it did here stays
   * remembered: removing a model is no way out of a rollout.
   *
   * @throws AfieldError `model/not-found`; `input/invalid` for the version that serves; `storage/unavailable`.
   */
  async remove(model: string, { version }: { readonly version?: string | undefined } = {}): Promise<void> {
    const { removal } = this.#rooms
    if (version === undefined) return removal.removeModel(model)
    return removal.removeVersion(model, version as Version)
  }

  /**
   * Takes counts from the page; durable when this resolves.
   *
   * @throws AfieldError `telemetry/unavailable`, `storage/*`.
   */
  async observe(observations: readonly Observation[]): Promise<void> {
    await this.#rooms.reporting?.observe(observations)
  }

  async telemetry(): Promise<TelemetryReport> {
    return (await this.#rooms.reporting?.report()) ?? TELEMETRY_OFF
  }

  async flush(): Promise<void> {
    await this.#rooms.reporting?.flush()
  }

  /**
   * The code for further engines, loaded when it is first asked for.
   *
   * @throws AfieldError `engine/unavailable` when it cannot be loaded; the next call tries again.
   */
  engineCalls(): Promise<EngineCalls> {
    this.#engineCalls ??= this.#ports.loadEngineCalls(this.#attempts++).then(
      (open) => open(this.#ports, this.#rooms),
      (cause: unknown) => {
        this.#engineCalls = undefined
        throw asAfieldError(cause, 'engine/unavailable', 'The code for further engines could not be loaded')
      },
    )
    return this.#engineCalls
  }

  /** Ends all work; resolves when what the keeper counted is durable, or with the page. */
  async close(): Promise<void> {
    const { background, checks, routes, reporting } = this.#rooms
    background.close()
    checks.close()
    this.#ports.channel.close()
    routes.close()
    await reporting?.close()
  }
}
