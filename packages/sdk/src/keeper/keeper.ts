import {
  AfieldError,
  asAfieldError,
  dayOf,
  emptyOps,
  toHex,
  type ErrorCode,
  type FunnelStep,
  type ModelName,
} from '@afield/protocol'
import { Activator } from './activation/activator.js'
import { Fetcher } from './activation/fetcher.js'
import { ModelRecords, failedHere } from './activation/record.js'
import { BringUp, type BringUpOptions } from './bring-up.js'
import { Blobs } from './blobs/blobs.js'
import { Evictor } from './blobs/evict.js'
import { Source } from './blobs/source.js'
import { BlobStore } from './blobs/store.js'
import { Checks } from './checks.js'
import type { DownloadRules } from './downloads.js'
import type { Facts } from './facts.js'
import { ManifestClient, type Manifest, type ModelDocuments } from './manifest/client.js'
import type { Ports, Served } from './ports.js'
import { Routes, type LoadRequest, type RouteInit } from './routes.js'
import { Shelf, releaseHere, type Stored } from './shelf.js'
import {
  TELEMETRY_OFF,
  Telemetry,
  forgetTelemetry,
  type TelemetryOptions,
  type TelemetryReport,
} from './telemetry/telemetry.js'
import { isObservation, type Observation } from './telemetry/window.js'

export interface KeeperOptions extends DownloadRules, BringUpOptions {
  readonly repository: string
  /** The root metadata that the app ships: where all trust starts. */
  readonly root: Uint8Array<ArrayBuffer>
  readonly checkEveryMs: number
  readonly telemetry: TelemetryOptions | undefined
  /** This page's life: names trials, and makes observations countable once. */
  readonly life: string
}

const GIVEN_UP: readonly ErrorCode[] = [
  'aborted',
  'download/declined',
  'download/too-large',
  'model/not-found',
]

export interface CheckReport {
  readonly manifestVersion: number
  readonly at: number
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
  readonly #checks: Checks
  readonly #blobs: Blobs
  readonly #evictor: Evictor
  readonly #shelf: Shelf
  readonly #records: ModelRecords
  readonly #telemetry: Telemetry | undefined
  readonly #routes: Routes
  readonly #bringUp: BringUp
  /** Trials are judged only after the marks were read that may excuse them. */
  #marks: Promise<unknown> = Promise.resolve()
  #sequence = 0
  #closed = false

  constructor(ports: Ports, options: KeeperOptions) {
    this.#ports = ports
    this.#options = options
    this.#records = new ModelRecords(ports)
    this.#routes = new Routes(ports, (init) => this.#makeActivator(init))
    this.#checks = new Checks(ports, new ManifestClient(ports, options.repository, options.root), {
      checkEveryMs: options.checkEveryMs,
      seed: options.seed,
      models: () => this.#routes.models(),
      // News interrupt downloads, which then ask again whether they are still wanted.
      onNews: () => this.#routes.all().forEach((activator) => activator.interrupt()),
    })
    this.#bringUp = new BringUp(ports, this.#checks, options)
    const store = new BlobStore(ports)
    this.#evictor = new Evictor(ports, store, {
      records: this.#records,
      manifest: () => this.#checks.manifest,
      running: () =>
        this.#routes
          .all()
          .flatMap(({ model, running }) =>
            running ? [{ model, version: running.served.version, descriptor: running.descriptor }] : [],
          ),
    })
    this.#blobs = new Blobs(ports, store, this.#evictor)
    this.#shelf = new Shelf(ports, { store, records: this.#records, evictor: this.#evictor })
    this.#telemetry = options.telemetry ? new Telemetry(ports, options.telemetry) : undefined
    ports.channel.subscribe(() => this.#background('another tab changed something', () => this.#adopt()))
  }

  /** Takes over what earlier pages left: what they counted, and whether they died or were closed. */
  async adoptMarks({ closedLives, observations }: Marks): Promise<void> {
    this.#marks = Promise.all(closedLives.map((life) => this.#records.forgive(life)))
    const understood = observations.filter(isObservation)
    if (understood.length < observations.length) {
      this.#ports.log('warn', 'A mark of an earlier page is of another format; its counts are dropped.')
    }
    await Promise.all([this.#marks, this.#telemetry?.observe(understood)])
  }

  /**
   * Makes a model serve and says what serves. A first load that was declined, aborted or names no model is forgotten;
   * one that failed otherwise is looked for again at the next check.
   *
   * @throws AfieldError `model/*`, `manifest/*`, `chunk/*`, `download/*`, `engine/*`, `storage/*`, `aborted`.
   */
  async load(model: string, request: LoadRequest, signal?: AbortSignal): Promise<Served> {
    await this.#marks
    for (;;) {
      const activator = await this.#routes.open(model, request)
      // What serves is not kept waiting by an update that downloads.
      const serves = this.#options.policy !== 'latest' && activator.running
      if (serves) return serves.served
      const current = await this.#routes.turn(activator, () => this.#bringUpCurrent(activator, signal))
      if (!current) continue
      const { running } = activator
      if (running) return running.served
      throw new AfieldError('internal/unexpected', `Nothing serves "${model}" after it was loaded.`)
    }
  }

  /** False when the model was removed, or given up, while this waited for its turn. */
  async #bringUpCurrent(activator: Activator, signal: AbortSignal | undefined): Promise<boolean> {
    if (!this.#routes.has(activator)) return false
    try {
      await this.#bringUp.bringUp(activator, signal)
      return true
    } catch (error) {
      // What the app or its user declined, or what is not there, is not looked for in the background.
      const code = error instanceof AfieldError ? error.code : undefined
      if (code !== undefined && GIVEN_UP.includes(code) && !activator.running) this.#routes.forget(activator)
      throw error
    }
  }

  /**
   * Looks for news now and adopts them. Rejects when the check or what it asked for fails; what serves goes on
   * serving. Where the documents of one model are refused, the others follow first. A model that the team switched off
   * is news, not a failure.
   */
  async check(signal?: AbortSignal): Promise<CheckReport> {
    if (this.#options.policy === 'offline') {
      throw new AfieldError(
        'manifest/unavailable',
        'The policy is "offline", so the repository is never asked.',
      )
    }
    for (const activator of this.#routes.all()) activator.askAgain()
    return this.#check(signal)
  }

  /** From now on the keeper looks for news by itself: at once, and then about every `checkEveryMs`. */
  follow(): void {
    if (this.#options.policy === 'offline') {
      this.#background('the seed', () => this.#adoptSeed())
      return
    }
    this.#background('the check', async () => {
      try {
        await this.#adoptSeed()
      } finally {
        await this.#check()
      }
    })
    this.#checks.schedule(() => this.#background('the check', () => this.#check()))
    if (!this.#telemetry) this.#background('forgetting telemetry', () => forgetTelemetry(this.#ports.state))
    const { retireOlder } = this.#ports
    if (retireOlder) this.#background('deleting older formats', retireOlder)
  }

  /** The page is in view or online again: looks for news unless it just did. */
  wake(): void {
    if (this.#checks.isDue) this.#background('the check', () => this.#check())
  }

  /**
   * The engine of a route died: what is on the device is brought up again. Resolves as soon as something serves, also
   * where another version still downloads.
   */
  async recover(route: string): Promise<void> {
    const activator = this.#routes.get(route)
    if (!activator) return
    const serving = activator.nextSwap()
    activator.lose()
    const turn = this.#routes.turn(activator, async () => {
      if (!activator.running) await this.#bringUp.bringUp(activator, undefined)
    })
    this.#background('the recovery', () => turn)
    await Promise.race([serving, turn])
  }

  /** @param route the model's name, or `name@version` where a version was asked for. */
  async explain(route: string): Promise<Facts> {
    const activator = this.#routes.get(route)
    if (!activator?.decision) throw new AfieldError('model/not-found', `"${route}" was not loaded.`)
    const { model } = activator
    const record = await this.#records.read(model)
    const now = this.#ports.clock.now()
    const documents = this.#checks.manifest?.models.get(model)
    const { manifest, last } = this.#checks
    return {
      model,
      served: activator.running?.served,
      decision: activator.decision,
      deferred: activator.deferred,
      rollout: documents?.rollout,
      failures: [...failedHere(record, documents?.index, now).values()],
      manifestVersion: manifest?.version,
      stale: manifest !== undefined && manifest.expiresAt <= now,
      expiresAt: manifest?.expiresAt,
      storage: this.#ports.blobs.kind,
      lastCheck: last,
    }
  }

  async storage(): Promise<Stored> {
    return this.#shelf.report(await this.#checks.restore())
  }

  /**
   * Deletes a version from the device, or all of a model, which is then closed first. What it did here stays
   * remembered: removing a model is no way out of a rollout.
   *
   * @throws AfieldError `model/not-found`; `input/invalid` for the version that serves; `storage/unavailable`.
   */
  async remove(model: string, { version }: { readonly version?: string } = {}): Promise<void> {
    const manifest = await this.#checks.restore()
    const routes = this.#routes.all().filter((activator) => activator.model === model)
    if (version === undefined) {
      const known = manifest?.models.has(model) || (await this.#records.models()).includes(model)
      if (!known) documentsOf(manifest, model)
      await Promise.all(routes.map((activator) => this.#close(activator)))
      return this.#ports.locks.hold(`download ${model}`, () => this.#shelf.remove(model, 'all'))
    }
    const held = releaseHere(manifest, model, version)
    const { current } = await this.#records.read(model)
    const serves = [current, ...routes.map(({ running }) => running)]
    if (serves.some((one) => one?.descriptor === held.descriptor)) {
      throw new AfieldError(
        'input/invalid',
        `${version} of "${model}" serves on this device. Remove the whole model, or another version.`,
      )
    }
    return this.#ports.locks.hold(`download ${model}`, () => this.#shelf.remove(model, [held]))
  }

  /** Counts from the page; durable when this resolves. */
  async observe(observations: readonly Observation[]): Promise<void> {
    await this.#telemetry?.observe(observations)
  }

  async telemetry(): Promise<TelemetryReport> {
    return this.#telemetry ? this.#telemetry.report() : TELEMETRY_OFF
  }

  async flush(): Promise<void> {
    await this.#telemetry?.flush()
  }

  close(): void {
    this.#closed = true
    this.#checks.close()
    this.#telemetry?.close()
    this.#ports.channel.close()
    this.#routes.close()
  }

  async #check(signal?: AbortSignal): Promise<CheckReport> {
    const manifest = await this.#checks.refresh(signal)
    await this.#adoptManifest(signal)
    const [refused] = manifest.failures.values()
    if (refused) throw this.#checks.noteFailure(refused)
    this.#ports.host.emit({ type: 'checked', manifestVersion: manifest.version })
    return { manifestVersion: manifest.version, at: manifest.checkedAt }
  }

  /** An app that was updated may ship something newer than the device has seen. */
  async #adoptSeed(): Promise<void> {
    if (await this.#checks.adoptSeed(undefined)) await this.#adoptManifest(undefined)
  }

  /** Another tab stored something newer: verify it and follow. */
  async #adopt(): Promise<void> {
    if (await this.#checks.reread()) await this.#adoptManifest(undefined)
  }

  /** Every model follows, also when another cannot; then it rejects with the first failure. */
  async #adoptManifest(signal: AbortSignal | undefined): Promise<void> {
    const { policy, seed } = this.#options
    const mayFetch = policy !== 'offline' || seed !== undefined
    const failures: unknown[] = []
    // Side by side: a kill of one model does not wait for the download of another.
    const follow = async (activator: Activator): Promise<void> => {
      try {
        await this.#routes.turn(activator, async () => {
          if (!this.#routes.has(activator)) return
          await activator.reconcile(mayFetch, signal)
          if (activator.running) this.#count(activator.running.served, 'checked')
        })
      } catch (error) {
        // That nothing may serve is what the check found out, not how it failed.
        if (error !== activator.refusal && this.#routes.has(activator)) {
          failures.push(this.#checks.noteFailure(error))
        }
      }
    }
    await Promise.all(this.#routes.all().map(follow))
    if (failures.length > 0) throw failures[0]
  }

  #makeActivator(init: RouteInit): Activator {
    const { model } = init
    const { life, policy, repository, seed } = this.#options
    const records = this.#records
    const count = (served: Served, step: FunnelStep, error?: ErrorCode): void =>
      this.#count(served, step, error)
    const fetcher = new Fetcher(this.#ports, this.#blobs, {
      model,
      records,
      rules: this.#options,
      repository: policy === 'offline' ? undefined : new Source(this.#ports, repository),
      seed: seed === undefined ? undefined : new Source(this.#ports, seed),
      count,
    })
    const sweep = (): Promise<void> => this.#evictor.sweep()
    const documents = (): ModelDocuments => documentsOf(this.#checks.manifest, model)
    return new Activator(this.#ports, { ...init, life, records, fetcher, sweep, documents, count })
  }

  /** Nothing answers on this route any more until its model is loaded again. */
  async #close(activator: Activator): Promise<void> {
    this.#routes.forget(activator)
    activator.end()
    const removed = `"${activator.model}" was removed from this device. Load it again.`
    await this.#routes.turn(activator, () => activator.stop(new AfieldError('model/not-found', removed)))
  }

  #count(served: Served, step: FunnelStep, error?: ErrorCode): void {
    if (!this.#telemetry) return
    const ops = { ...emptyOps(), funnel: { [step]: 1 }, errors: error ? { [error]: 1 } : {} }
    const cell = { ...served, model: served.model as ModelName, device: this.#ports.platform.device }
    const observation: Observation = {
      life: `${this.#options.life}/keeper`,
      sequence: ++this.#sequence,
      cells: [{ cell, day: dayOf(this.#ports.clock.now()), ops }],
    }
    this.#background('telemetry', () => this.observe([observation]))
  }

  /** Work that nobody waits for: its failure is logged; that of a check also shows in `explain()`. */
  #background(what: string, work: () => Promise<unknown>): void {
    work().catch((cause: unknown) => {
      if (this.#closed) return
      const error = asAfieldError(cause, 'internal/unexpected', `Background work failed: ${what}`)
      this.#ports.log('warn', error.message, error)
    })
  }
}

/** A page's life or another random name: 128 bits in hex. */
export function randomName(random: Ports['random']): string {
  return toHex(random(16))
}

function documentsOf(manifest: Manifest | undefined, model: string): ModelDocuments {
  const documents = manifest?.models.get(model)
  if (documents) return documents
  const refused = manifest?.failures.get(model)
  if (refused) throw refused
  throw new AfieldError(
    'model/not-found',
    `The repository has no model "${model}". Check the name, or publish it.`,
  )
}
