import {
  AfieldError,
  asAfieldError,
  dayOf,
  emptyOps,
  errorToData,
  RequestedSchema,
  parseWith,
  toHex,
  type ErrorCode,
  type FunnelStep,
  type ModelName,
  type Version,
} from '@afield/protocol'
import { Activator } from './activation/activator.js'
import { ModelRecords, failedHere } from './activation/record.js'
import { Blobs, type StoredRole, type ReleasesOfModel, type StoredVersions } from './blobs/blobs.js'
import { deviceId } from './device.js'
import { explain, type Explanation } from './explain.js'
import { ManifestClient, type Manifest, type ModelDocuments } from './manifest/client.js'
import type { Ports, Served } from './ports.js'
import {
  TELEMETRY_OFF,
  Telemetry,
  forgetTelemetry,
  type TelemetryOptions,
  type TelemetryReport,
} from './telemetry/telemetry.js'
import { isObservation, type Observation } from './telemetry/window.js'

/** A page that comes back into view checks unless the last check is younger than this. */
const WAKE_AFTER_MS = 60_000
/** `latest` waits this long for the repository before what is on the device serves. */
const LATEST_DEADLINE_MS = 4_000

export interface KeeperOptions {
  readonly repository: string
  /** The root metadata that the app ships: where all trust starts. */
  readonly root: Uint8Array<ArrayBuffer>
  /** `local`: serve what is here, then check. `latest`: check first, within a deadline. `offline`: never check. */
  readonly policy: 'local' | 'latest' | 'offline'
  readonly checkEveryMs: number
  readonly telemetry: TelemetryOptions | undefined
  /** This page's life: names trials, and makes observations countable once. */
  readonly life: string
}

export interface LoadRequest {
  readonly version?: string
}

/** What storage holds, in words for a person: see {@link Keeper.storage}. */
export interface StorageReport {
  readonly kind: 'indexeddb' | 'memory'
  readonly models: readonly StoredVersions[]
  /** Distinct bytes of models and descriptors; what versions share is counted once. */
  readonly bytes: number
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
  readonly #client: ManifestClient
  readonly #blobs: Blobs
  readonly #records: ModelRecords
  readonly #telemetry: Telemetry | undefined
  readonly #routes = new Map<string, Activator>()
  /** Work on one route happens one piece after the other. */
  readonly #turns = new Map<string, Promise<unknown>>()
  /** Trials are judged only after the marks were read that may excuse them. */
  #marks: Promise<unknown> = Promise.resolve()
  #deviceId: Promise<string> | undefined
  #manifest: Manifest | undefined
  #lastCheck: Explanation['lastCheck']
  #cancelCheck: (() => void) | undefined
  #sequence = 0
  #closed = false

  constructor(ports: Ports, options: KeeperOptions) {
    this.#ports = ports
    this.#options = options
    this.#client = new ManifestClient(ports, options.repository, options.root)
    this.#blobs = new Blobs(ports, options.repository)
    this.#records = new ModelRecords(ports)
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
   * Looks for news now and adopts them. Rejects when the check or what it asked for fails, also when the documents of
   * one model were refused while the others followed; what serves goes on serving. A model that the team switched off is news, not a failure.
   */
  async check(signal?: AbortSignal): Promise<CheckReport> {
    if (this.#options.policy === 'offline') {
      throw new AfieldError(
        'manifest/unavailable',
        'The policy is "offline", so the repository is never asked.',
      )
    }
    const manifest = await this.#refresh(signal)
    await this.#adoptManifest(signal)
    const [refused] = manifest.failures.values()
    if (refused) throw this.#noteFailure(refused)
    this.#ports.host.emit({ type: 'checked', manifestVersion: manifest.version })
    return { manifestVersion: manifest.version, at: manifest.checkedAt }
  }

  /** From now on the keeper looks for news by itself: at once, and then about every `checkEveryMs`. */
  follow(): void {
    if (this.#options.policy === 'offline') return
    this.#cancelCheck?.()
    this.#background('the check', () => this.check())
    this.#scheduleCheck()
    if (!this.#telemetry) this.#background('forgetting telemetry', () => forgetTelemetry(this.#ports.state))
  }

  /** The page is in view or online again: looks for news unless it just did. */
  wake(): void {
    if (!this.#cancelCheck) return
    const last = this.#lastCheck
    if (last && !last.error && this.#ports.clock.now() - last.at < WAKE_AFTER_MS) return
    this.#background('the check', () => this.check())
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
    const documents = this.#manifest?.models.get(model)
    return explain({
      model,
      running: activator.running,
      decision: activator.decision,
      rollout: documents?.rollout,
      failures: [...failedHere(record, documents?.index, now).values()],
      manifest: this.#manifest,
      storage: this.#ports.blobs.kind,
      lastCheck: this.#lastCheck,
      now,
    })
  }

  async storage(): Promise<StorageReport> {
    const models = await Promise.all(this.#modelNames().map((model) => this.#releases(model)))
    return { kind: this.#ports.blobs.kind, ...(await this.#blobs.usage(models)) }
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
    this.#cancelCheck?.()
    this.#telemetry?.close()
    this.#ports.channel.close()
    for (const activator of this.#routes.values()) activator.close()
    this.#routes.clear()
  }

  /** From the device where it can be, from the repository where it must. */
  async #bringUp(activator: Activator, signal: AbortSignal | undefined): Promise<void> {
    const { policy } = this.#options
    this.#manifest ??= await this.#client.restore()
    if (policy === 'latest' && (await this.#bringUpLatest(activator, signal))) return
    const stored = await this.#bringUpStored(activator)
    if (stored === 'serves') return
    if (policy === 'offline') {
      const missing = `"${activator.model}" is not on this device, and the policy is "offline".`
      throw stored instanceof AfieldError ? stored : new AfieldError('model/not-found', missing)
    }
    try {
      await this.#refresh(signal)
    } catch (error) {
      // Out of reach, what was refused here last stays refused.
      throw stored instanceof AfieldError ? stored : error
    }
    await activator.reconcile(true, signal)
  }

  /** A refusal that is stored may be out of date, so it is returned and not thrown. */
  async #bringUpStored(activator: Activator): Promise<'serves' | 'missing' | AfieldError> {
    if (!this.#manifest?.models.has(activator.model)) return 'missing'
    try {
      return (await activator.reconcile(false)) ? 'serves' : 'missing'
    } catch (error) {
      if (error instanceof AfieldError && error === activator.refusal) return error
      throw error
    }
  }

  /** The newest state if it and its bytes come in time; false when the device serves what it has. */
  async #bringUpLatest(activator: Activator, signal: AbortSignal | undefined): Promise<boolean> {
    const controller = new AbortController()
    const cancel = this.#ports.clock.after(LATEST_DEADLINE_MS, () => controller.abort())
    const forward = (): void => controller.abort()
    signal?.addEventListener('abort', forward)
    try {
      await this.#refresh(controller.signal)
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

  /** One check of the repository, one tab at a time. */
  async #refresh(signal: AbortSignal | undefined): Promise<Manifest> {
    const before = this.#manifest?.version
    try {
      const manifest = await this.#ports.locks.hold(
        'check',
        () => this.#client.check(this.#modelNames(), signal),
        signal,
      )
      this.#follow(manifest)
      this.#lastCheck = { at: manifest.checkedAt, error: undefined }
      if (manifest.version !== before) this.#ports.channel.post({ type: 'changed' })
      return manifest
    } catch (cause) {
      throw this.#noteFailure(cause)
    }
  }

  /** News interrupt downloads, which then ask again whether they are still wanted. */
  #follow(manifest: Manifest): void {
    const news = this.#manifest?.version !== manifest.version
    this.#manifest = manifest
    if (!news) return
    for (const activator of this.#routes.values()) activator.interrupt()
  }

  #noteFailure(cause: unknown): AfieldError {
    const error = isAbort(cause)
      ? new AfieldError('aborted', 'The call was aborted.', { cause })
      : asAfieldError(cause, 'internal/unexpected', 'The check failed')
    this.#lastCheck = { at: this.#ports.clock.now(), error: error.code }
    this.#ports.host.emit({
      type: 'checked',
      manifestVersion: this.#manifest?.version,
      error: errorToData(error),
    })
    return error
  }

  /** Another tab stored something newer: verify it and follow. */
  async #adopt(): Promise<void> {
    const manifest = await this.#client.restore()
    if (!manifest) return
    this.#follow(manifest)
    await this.#adoptManifest(undefined)
  }

  /** Every model follows, also when one before it cannot; then it rejects with the first failure. */
  async #adoptManifest(signal: AbortSignal | undefined): Promise<void> {
    const failures: unknown[] = []
    for (const activator of this.#routes.values()) {
      try {
        await this.#turn(activator, async () => {
          await activator.reconcile(this.#options.policy !== 'offline', signal)
          if (activator.running) this.#count(activator.running.served, 'checked')
        })
      } catch (error) {
        // That nothing may serve is what the check found out, not how it failed.
        if (error !== activator.refusal) failures.push(this.#noteFailure(error))
      }
    }
    if (failures.length > 0) throw failures[0]
  }

  async #activator(model: string, { version }: LoadRequest): Promise<Activator> {
    const route = routeOf(model, version)
    const requested =
      version === undefined || version === 'latest'
        ? version
        : parseWith(RequestedSchema, version, 'model/not-found', `The version of "${model}"`)
    const deviceId = await this.#identify()
    const known = this.#routes.get(route)
    if (known) return known
    const activator = new Activator(this.#ports, this.#blobs, {
      route,
      model,
      requested,
      deviceId,
      records: this.#records,
      documents: () => documentsOf(this.#manifest, model),
      life: this.#options.life,
      count: (served, step, error) => this.#count(served, step, error),
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

  #modelNames(): readonly string[] {
    return [...new Set([...this.#routes.values()].map(({ model }) => model))]
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

  async #releases(model: string): Promise<ReleasesOfModel> {
    const record = await this.#records.read(model)
    const index = this.#manifest?.models.get(model)?.index
    return {
      model,
      releases: Object.entries(index?.versions ?? {}).map(([version, release]) => ({
        version: version as Version,
        release,
        role: roleOf(version, record.current?.version, record.previous?.version),
      })),
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

  #scheduleCheck(): void {
    const [byte = 128] = this.#ports.random(1)
    const wait = this.#options.checkEveryMs * (0.9 + (0.2 * byte) / 255)
    this.#cancelCheck = this.#ports.clock.after(wait, () => {
      if (this.#closed) return
      this.#background('the check', () => this.check())
      this.#scheduleCheck()
    })
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

function isAbort(cause: unknown): boolean {
  return cause instanceof Error && cause.name === 'AbortError'
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

function roleOf(version: string, current: string | undefined, previous: string | undefined): StoredRole {
  if (version === current) return 'current'
  return version === previous ? 'previous' : 'other'
}
