import {
  AfieldError,
  VersionSchema,
  asAfieldError,
  dayOf,
  emptyOps,
  parseWith,
  toHex,
  type ErrorCode,
  type FunnelStep,
  type ModelName,
} from '@afield/protocol'
import { Activator } from './activation/activator.js'
import { Fetcher } from './activation/fetcher.js'
import { ModelRecords, failedHere } from './activation/record.js'
import { Blobs } from './blobs/blobs.js'
import { Evictor } from './blobs/evict.js'
import { Source } from './blobs/source.js'
import { BlobStore } from './blobs/store.js'
import { Checks } from './checks.js'
import { deviceId } from './device.js'
import type { DownloadRules } from './downloads.js'
import { explain, type Explanation } from './explain.js'
import { ManifestClient, type Manifest, type ModelDocuments } from './manifest/client.js'
import type { Ports, Served } from './ports.js'
import { Shelf, releaseHere, type StorageReport } from './shelf.js'
import {
  TELEMETRY_OFF,
  Telemetry,
  forgetTelemetry,
  type TelemetryOptions,
  type TelemetryReport,
} from './telemetry/telemetry.js'
import { isObservation, type Observation } from './telemetry/window.js'

/** `latest` waits this long for the repository before what is on the device serves. */
const LATEST_DEADLINE_MS = 4_000

export interface KeeperOptions extends DownloadRules {
  readonly repository: string
  /** The root metadata that the app ships: where all trust starts. */
  readonly root: Uint8Array<ArrayBuffer>
  /** `local`: serve what is here, then check. `latest`: check first, within a deadline. `offline`: never check. */
  readonly policy: 'local' | 'latest' | 'offline'
  readonly checkEveryMs: number
  /** URL of the folder that the app ships; see `AfieldOptions.seed`. */
  readonly seed: string | undefined
  readonly telemetry: TelemetryOptions | undefined
  /** This page's life: names trials, and makes observations countable once. */
  readonly life: string
}

export interface LoadRequest {
  readonly version?: string
}

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
  readonly #routes = new Map<string, Activator>()
  /** Work on one route happens one piece after the other. */
  readonly #turns = new Map<string, Promise<unknown>>()
  /** Trials are judged only after the marks were read that may excuse them. */
  #marks: Promise<unknown> = Promise.resolve()
  #deviceId: Promise<string> | undefined
  #sequence = 0
  #closed = false

  constructor(ports: Ports, options: KeeperOptions) {
    this.#ports = ports
    this.#options = options
    this.#records = new ModelRecords(ports)
    this.#checks = new Checks(ports, new ManifestClient(ports, options.repository, options.root), {
      checkEveryMs: options.checkEveryMs,
      seed: options.seed,
      models: () => [...new Set(this.#activators().map(({ model }) => model))],
      // News interrupt downloads, which then ask again whether they are still wanted.
      onNews: () => this.#activators().forEach((activator) => activator.interrupt()),
    })
    const store = new BlobStore(ports)
    this.#evictor = new Evictor(ports, store, {
      records: this.#records,
      manifest: () => this.#checks.manifest,
      running: () =>
        this.#activators().flatMap(({ model, running }) =>
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
    this.#marks = Promise.all(closedLives.map((life) => this.#forgiveTrials(life)))
    const understood = observations.filter(isObservation)
    if (understood.length < observations.length) {
      this.#ports.log('warn', 'A mark of an earlier page is of another format; its counts are dropped.')
    }
    await Promise.all([this.#marks, this.#telemetry?.observe(understood)])
  }

  /**
   * Makes a model serve and says what serves.
   *
   * @throws AfieldError `model/*`, `manifest/*`, `chunk/*`, `engine/*`, `storage/*`.
   */
  async load(model: string, request: LoadRequest, signal?: AbortSignal): Promise<Served> {
    await this.#marks
    const activator = await this.#activator(model, request)
    await this.#turn(activator, () => this.#bringUp(activator, signal))
    const { running } = activator
    if (!running)
      throw new AfieldError('internal/unexpected', `Nothing serves "${model}" after it was loaded.`)
    return running.served
  }

  /**
   * Looks for news now and adopts them. Rejects when the check or what it asked for fails; what serves goes on
   * serving. A model that the team switched off is news, not a failure.
   */
  async check(signal?: AbortSignal): Promise<CheckReport> {
    if (this.#options.policy === 'offline') {
      throw new AfieldError(
        'manifest/unavailable',
        'The policy is "offline", so the repository is never asked.',
      )
    }
    for (const activator of this.#activators()) activator.askAgain()
    return this.#check(signal)
  }

  /** From now on the keeper looks for news by itself: at once, and then about every `checkEveryMs`. */
  follow(): void {
    if (this.#options.policy === 'offline') {
      this.#background('the seed', () => this.#adoptSeed())
      return
    }
    this.#background('the check', async () => {
      await this.#adoptSeed()
      await this.#check()
    })
    this.#checks.schedule(() => this.#background('the check', () => this.#check()))
    if (!this.#telemetry) this.#background('forgetting telemetry', () => forgetTelemetry(this.#ports.state))
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
    activator.close()
    const turn = this.#turn(activator, async () => {
      if (!activator.running) await this.#bringUp(activator, undefined)
    })
    this.#background('the recovery', () => turn)
    await Promise.race([serving, turn])
  }

  /** @param route the model's name, or `name@version` where a version was asked for. */
  async explain(route: string): Promise<Explanation> {
    const activator = this.#routes.get(route)
    if (!activator?.decision) throw new AfieldError('model/not-found', `"${route}" was not loaded.`)
    const { model } = activator
    const record = await this.#records.read(model)
    const now = this.#ports.clock.now()
    const documents = this.#checks.manifest?.models.get(model)
    return explain({
      model,
      running: activator.running,
      decision: activator.decision,
      deferred: activator.deferred,
      rollout: documents?.rollout,
      failures: [...failedHere(record, documents?.index, now).values()],
      manifest: this.#checks.manifest,
      storage: this.#ports.blobs.kind,
      lastCheck: this.#checks.last,
      now,
    })
  }

  async storage(): Promise<StorageReport> {
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
    const routes = this.#activators().filter((activator) => activator.model === model)
    if (version === undefined) {
      if (!manifest?.models.has(model)) documentsOf(manifest, model)
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
    for (const activator of this.#activators()) activator.close()
    this.#routes.clear()
  }

  /** From the device where it can be, then from the app's own files, from the repository where it must. */
  async #bringUp(activator: Activator, signal: AbortSignal | undefined): Promise<void> {
    const { policy } = this.#options
    await this.#checks.restore()
    if (policy === 'latest' && (await this.#bringUpLatest(activator, signal))) return
    const stored = await this.#bringUpStored(activator)
    if (stored === 'serves') return
    if (stored === 'missing' && (await this.#bringUpSeed(activator, signal))) return
    if (policy === 'offline') {
      const missing = `"${activator.model}" is not on this device, and the policy is "offline".`
      throw stored instanceof AfieldError ? stored : new AfieldError('model/not-found', missing)
    }
    try {
      await this.#checks.refresh(signal)
    } catch (error) {
      // Out of reach, what was refused here last stays refused.
      throw stored instanceof AfieldError ? stored : error
    }
    await activator.reconcile(true, signal)
  }

  /** A refusal that is stored may be out of date, so it is returned and not thrown. */
  async #bringUpStored(activator: Activator): Promise<'serves' | 'missing' | AfieldError> {
    if (!this.#checks.manifest?.models.has(activator.model)) return 'missing'
    try {
      return (await activator.reconcile(false)) ? 'serves' : 'missing'
    } catch (error) {
      if (error instanceof AfieldError && error === activator.refusal) return error
      throw error
    }
  }

  /** A first visit is served from the app's own files, if they hold the model; the repository is asked afterwards. */
  async #bringUpSeed(activator: Activator, signal: AbortSignal | undefined): Promise<boolean> {
    if (this.#options.seed === undefined) return false
    await this.#checks.adoptSeed(signal)
    if (!this.#checks.manifest?.models.has(activator.model)) return false
    try {
      return await activator.reconcile(true, signal)
    } catch (error) {
      if (signal?.aborted || !(error instanceof AfieldError) || error === activator.refusal) throw error
      this.#ports.log('warn', 'The seed that the app ships could not serve.', error)
      return false
    }
  }

  /** The newest state if it and its bytes come in time; false when the device serves what it has. */
  async #bringUpLatest(activator: Activator, signal: AbortSignal | undefined): Promise<boolean> {
    const controller = new AbortController()
    const cancel = this.#ports.clock.after(LATEST_DEADLINE_MS, () => controller.abort())
    const forward = (): void => controller.abort()
    signal?.addEventListener('abort', forward)
    try {
      await this.#checks.refresh(controller.signal)
      return await activator.reconcile(true, controller.signal)
    } catch (error) {
      if (signal?.aborted || !(error instanceof AfieldError) || error === activator.refusal) throw error
      this.#ports.log('info', 'The newest state did not come in time; what is on the device serves.', error)
      return false
    } finally {
      cancel()
      signal?.removeEventListener('abort', forward)
    }
  }

  async #check(signal?: AbortSignal): Promise<CheckReport> {
    const manifest = await this.#checks.refresh(signal)
    await this.#adoptManifest(signal)
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

  /** Every model follows, also when one before it cannot; then it rejects with the first failure. */
  async #adoptManifest(signal: AbortSignal | undefined): Promise<void> {
    const { policy, seed } = this.#options
    const mayFetch = policy !== 'offline' || seed !== undefined
    const failures: unknown[] = []
    for (const activator of this.#activators()) {
      try {
        await this.#turn(activator, async () => {
          await activator.reconcile(mayFetch, signal)
          if (activator.running) this.#count(activator.running.served, 'checked')
        })
      } catch (error) {
        // That nothing may serve is what the check found out, not how it failed.
        if (error !== activator.refusal) failures.push(this.#checks.noteFailure(error))
      }
    }
    if (failures.length > 0) throw failures[0]
  }

  async #activator(model: string, { version }: LoadRequest): Promise<Activator> {
    const route = routeOf(model, version)
    const requested =
      version === undefined || version === 'latest'
        ? version
        : parseWith(VersionSchema, version, 'model/not-found', `The version of "${model}"`)
    const deviceId = await this.#identify()
    const known = this.#routes.get(route)
    if (known) return known
    const count = (served: Served, step: FunnelStep, error?: ErrorCode): void =>
      this.#count(served, step, error)
    const { policy, repository, seed } = this.#options
    const fetcher = new Fetcher(this.#ports, this.#blobs, {
      model,
      records: this.#records,
      rules: this.#options,
      repository: policy === 'offline' ? undefined : new Source(this.#ports, repository),
      seed: seed === undefined ? undefined : new Source(this.#ports, seed),
      count,
    })
    const activator = new Activator(this.#ports, {
      route,
      model,
      requested,
      deviceId,
      records: this.#records,
      fetcher,
      sweep: () => this.#evictor.sweep(),
      documents: () => documentsOf(this.#checks.manifest, model),
      life: this.#options.life,
      count,
    })
    this.#routes.set(route, activator)
    return activator
  }

  /** One id for all models, also where it cannot be stored. */
  #identify(): Promise<string> {
    this.#deviceId ??= deviceId(this.#ports).catch((error: unknown) => {
      this.#deviceId = undefined
      throw error
    })
    return this.#deviceId
  }

  #activators(): readonly Activator[] {
    return [...this.#routes.values()]
  }

  /** Nothing answers on this route any more until its model is loaded again. */
  async #close(activator: Activator): Promise<void> {
    activator.interrupt()
    const removed = `"${activator.model}" was removed from this device. Load it again.`
    await this.#turn(activator, () => activator.stop(new AfieldError('model/not-found', removed)))
    this.#routes.delete(activator.route)
  }

  /** Runs work on a route after the work before it, whether that succeeded or not. */
  #turn<T>({ route }: Activator, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(route) ?? Promise.resolve()
    const run = before.then(work, work)
    this.#turns.set(route, run)
    return run
  }

  async #forgiveTrials(life: string): Promise<void> {
    for (const model of await this.#records.models()) {
      const { trial } = await this.#records.read(model)
      if (trial?.life !== life) continue
      await this.#records.update(model, ({ trial: open, ...record }) =>
        open?.life === life ? record : { ...record, ...(open ? { trial: open } : {}) },
      )
    }
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

/** What a page's predictions are routed by: a model, or one version of it that the app asked for. */
function routeOf(model: string, version: string | undefined): string {
  return version === undefined ? model : `${model}@${version}`
}

/** A page's life or another random name: 128 bits in hex. */
export function randomName(random: Ports['random']): string {
  return toHex(random(16))
}

function documentsOf(manifest: Manifest | undefined, model: string): ModelDocuments {
  const documents = manifest?.models.get(model)
  if (documents) return documents
  throw new AfieldError(
    'model/not-found',
    `The repository has no model "${model}". Check the name, or publish it.`,
  )
}
