import {
  AfieldError,
  decide,
  errorToData,
  mayRun,
  type Alias,
  type Assignment,
  type Decision,
  type Descriptor,
  type ErrorCode,
  type FunnelStep,
  type Release,
  type Version,
} from '@afield/protocol'
import { bytesOf, type Blobs } from '../blobs/blobs.js'
import type { ModelDocuments } from '../manifest/client.js'
import type { Engine, Ports, Served } from '../ports.js'
import {
  failedHere,
  type Failure,
  type ModelRecord,
  type ModelRecords,
  type VersionOnDevice,
} from './record.js'
import { refusalError } from './refusal.js'
import { Trials } from './trials.js'

const BACKEND = 'wasm'

type Serve = Extract<Decision, { kind: 'serve' }>
type Refuse = Extract<Decision, { kind: 'refuse' }>

/** A version as it came out of the store, whole and verified. */
interface StoredVersion {
  readonly descriptor: Descriptor
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** What a model runs right now in this tab. */
export interface Running {
  readonly served: Served
  readonly descriptor: VersionOnDevice['descriptor']
  readonly engine: Engine
}

export interface ActivatorOptions {
  /** What the page routes predictions by. */
  readonly route: string
  readonly model: string
  readonly requested: Version | Alias | 'latest' | undefined
  readonly deviceId: string
  /** This page's life, written into trials. */
  readonly life: string
  readonly records: ModelRecords
  /**
   * What the repository says of the model, as far as the device knows it now; it may change while a version is on its
   * way.
   */
  readonly documents: () => ModelDocuments
  /** Called for each step of the way, for telemetry. */
  readonly count: (served: Served, step: FunnelStep, error?: ErrorCode) => void
}

/**
 * Brings what a model runs in this tab in line with what was decided for this device: decided, downloaded, verified,
 * tried on an engine of its own, confirmed, serving. Each step looks at the newest documents, so a kill takes effect
 * while a download runs. A version that fails on the way is written down as failed here and the decision is made again
 * without it, so the version before it keeps serving.
 */
export class Activator {
  readonly #ports: Ports
  readonly #blobs: Blobs
  readonly #options: ActivatorOptions
  readonly #trials: Trials
  #running: Running | undefined
  #decision: Decision | undefined
  #refusal: AfieldError | undefined
  #downloading: AbortController | undefined
  readonly #waiting: (() => void)[] = []

  constructor(ports: Ports, blobs: Blobs, options: ActivatorOptions) {
    this.#ports = ports
    this.#blobs = blobs
    this.#options = options
    this.#trials = new Trials(ports, options.records, options.model, options.life)
  }

  get route(): string {
    return this.#options.route
  }

  get model(): string {
    return this.#options.model
  }

  get running(): Running | undefined {
    return this.#running
  }

  get decision(): Decision | undefined {
    return this.#decision
  }

  /** Why nothing may serve, when that is what was decided. */
  get refusal(): AfieldError | undefined {
    return this.#refusal
  }

  /**
   * Serves the decided version.
   *
   * @param network whether bytes may be fetched. Without it, a version that is not on the device gives way to the one
   *   that proved itself here last.
   * @returns false when nothing can serve without the network.
   * @throws AfieldError when nothing may or can serve: `model/killed`, `model/revoked`, `model/not-found`,
   *   `model/self-test-failed`, `chunk/*`, `engine/*`.
   */
  async reconcile(network: boolean, signal?: AbortSignal): Promise<boolean> {
    let fetched: (StoredVersion & { readonly hash: string }) | undefined
    for (;;) {
      const documents = this.#options.documents()
      const record = await this.#trials.settle()
      const decision = this.#decide(documents, record)
      this.#decision = decision
      if (decision.kind === 'refuse') throw await this.#refuse(documents, record, decision)
      this.#refusal = undefined
      await this.#remember(record, decision.assignment)
      const served = servedBy(this.model, decision, documents)
      const release = releaseOf(documents, served.version)
      const hash = release.descriptor.sha256
      if (this.#running?.descriptor === hash) {
        await this.#relabel(this.#running, served)
        return true
      }
      const stored = fetched?.hash === hash ? fetched : await this.#readStored(served.version, release)
      if (stored) {
        fetched = undefined
        if (await this.#tryOrFallBack(documents, record, served, release, stored)) return true
        continue
      }
      if (!this.#mayGoOn(documents) && !(await this.#serveLastGood(documents, record, served))) {
        if (!network) return false
        await this.#stopWithdrawn(documents)
      }
      if (!network) return true
      const outcome = await this.#fetch(served, release, signal)
      if (outcome !== 'interrupted') fetched = { ...outcome, hash }
    }
  }

  /** There is news: a download that runs stops, keeps what it has, and asks again whether it is still wanted. */
  interrupt(): void {
    this.#downloading?.abort()
  }

  /** Resolves when an engine next begins to serve. */
  nextSwap(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  close(): void {
    this.interrupt()
    this.#running?.engine.close()
    this.#running = undefined
  }

  #decide(documents: ModelDocuments, record: ModelRecord): Decision {
    return decide({
      index: documents.index,
      rollout: documents.rollout,
      deviceId: this.#options.deviceId,
      assignment: record.assignment,
      failedHere: new Set(this.#failures(documents, record).keys()),
      requested: this.#options.requested,
    })
  }

  #failures({ index }: ModelDocuments, record: ModelRecord): ReadonlyMap<Version, Failure> {
    return failedHere(record, index, this.#ports.clock.now())
  }

  async #refuse(documents: ModelDocuments, record: ModelRecord, decision: Refuse): Promise<AfieldError> {
    const { requested } = this.#options
    const error = refusalError(this.model, requested, decision, this.#failures(documents, record))
    this.#refusal = error
    await this.#stop(error)
    return error
  }

  /** Downloads what is missing, one tab at a time. */
  async #fetch(
    served: Served,
    release: Release,
    signal: AbortSignal | undefined,
  ): Promise<StoredVersion | 'interrupted'> {
    const controller = new AbortController()
    this.#downloading = controller
    const forward = (): void => controller.abort()
    if (signal?.aborted) forward()
    signal?.addEventListener('abort', forward)
    const download = async (): Promise<StoredVersion> => {
      const once = (): Promise<StoredVersion | undefined> =>
        this.#download(served, release, controller.signal)
      const stored = (await once()) ?? (await once())
      if (stored) return stored
      throw new AfieldError(
        'chunk/unavailable',
        'What was downloaded could not be read back from storage. Free some room and load it again.',
      )
    }
    try {
      return await this.#ports.locks.hold(`download ${this.model}`, download, controller.signal)
    } catch (error) {
      if (controller.signal.aborted && !signal?.aborted) return 'interrupted'
      throw error
    } finally {
      this.#downloading = undefined
      signal?.removeEventListener('abort', forward)
    }
  }

  /** @returns `undefined` when the store gave back something else than it was given. */
  async #download(served: Served, release: Release, signal: AbortSignal): Promise<StoredVersion | undefined> {
    const { model, version } = served
    const descriptor = await this.#blobs.descriptor(model, version, release, signal)
    const totalBytes = bytesOf(descriptor, BACKEND)
    const fetched = await this.#blobs.download(descriptor, BACKEND, {
      signal,
      onProgress: (loadedBytes) =>
        this.#ports.host.emit({ type: 'progress', model, version, loadedBytes, totalBytes }),
    })
    if (fetched > 0) this.#options.count(served, 'downloaded')
    const bytes = await this.#blobs.read(descriptor, BACKEND)
    if (bytes && fetched > 0) this.#options.count(served, 'verified')
    return bytes && { descriptor, bytes }
  }

  async #readStored(version: Version, release: Release): Promise<StoredVersion | undefined> {
    const descriptor = await this.#blobs.storedDescriptor(this.model, version, release)
    const bytes = descriptor && (await this.#blobs.read(descriptor, BACKEND))
    return descriptor && bytes && { descriptor, bytes }
  }

  #mayGoOn(documents: ModelDocuments): boolean {
    return this.#running !== undefined && mayRun(documents, this.#running.served.version)
  }

  /**
   * Something else serves meanwhile: the version that proved itself here last, or the one before it, if it still may.
   * Nothing stands in for a version that the app asked for.
   */
  async #serveLastGood(documents: ModelDocuments, record: ModelRecord, decided: Served): Promise<boolean> {
    if (decided.arm === 'pinned') return false
    const failures = this.#failures(documents, record)
    for (const held of [record.current, record.previous]) {
      const release = held && documents.index.versions[held.version]
      if (!held || !release || release.descriptor.sha256 !== held.descriptor) continue
      if (held.version === decided.version || failures.has(held.version)) continue
      if (!mayRun(documents, held.version)) continue
      const stored = await this.#readStored(held.version, release)
      const served: Served = { ...decided, version: held.version, arm: 'stable' }
      try {
        if (stored && (await this.#activate(served, release, stored))) return true
      } catch (error) {
        if (!(error instanceof AfieldError)) throw error
        this.#ports.log('warn', `${held.version} could not stand in.`, error)
      }
    }
    return false
  }

  /** What is not the version's fault leaves a device that had something to serve with that. */
  async #tryOrFallBack(
    documents: ModelDocuments,
    record: ModelRecord,
    served: Served,
    release: Release,
    stored: StoredVersion,
  ): Promise<boolean> {
    try {
      return await this.#activate(served, release, stored)
    } catch (error) {
      if (this.#mayGoOn(documents) || !(error instanceof AfieldError)) throw error
      if (!(await this.#serveLastGood(documents, record, served))) throw error
      this.#ports.log('warn', `${served.version} could not be started; another version serves.`, error)
      return true
    }
  }

  /** Tries a version and swaps to it; false when the version itself failed, which is then written down. */
  async #activate(served: Served, release: Release, { descriptor, bytes }: StoredVersion): Promise<boolean> {
    const version = { version: served.version, descriptor: release.descriptor.sha256 }
    const { contract, runtime, selfTest } = descriptor
    const pinned = served.arm === 'pinned'
    const model = { bytes, contract, operators: runtime.operators, selfTest }
    const outcome = await this.#trials.run({ version, backend: BACKEND, pinned, model })
    if (outcome.kind === 'failed') {
      this.#tellFailure(served, outcome.error)
      return false
    }
    if (!outcome.known) {
      this.#options.count(served, 'staged')
      this.#options.count(served, 'confirmed')
    }
    await this.#swap({ served, descriptor: version.descriptor, engine: outcome.engine })
    return true
  }

  async #swap(next: Running): Promise<void> {
    const before = this.#running
    const { model, version } = next.served
    await this.#ports.host.serve(this.route, next.engine.id, next.served)
    this.#running = next
    for (const resolve of this.#waiting.splice(0)) resolve()
    const previous = before ? { previous: before.served.version } : {}
    this.#ports.host.emit({ type: 'update', model, version, ...previous })
  }

  /** The same version under another label: promoted, or admitted to another step. */
  async #relabel(running: Running, served: Served): Promise<void> {
    if (JSON.stringify(running.served) === JSON.stringify(served)) return
    this.#running = { ...running, served }
    await this.#ports.host.serve(this.route, running.engine.id, served)
  }

  /** What runs was taken back and nothing can stand in until another version has been downloaded. */
  async #stopWithdrawn(documents: ModelDocuments): Promise<void> {
    if (!this.#running) return
    const { version } = this.#running.served
    const revoked = documents.index.versions[version]?.revoked !== undefined
    const what = `${version} of "${this.model}" was taken back; the version that replaces it is on its way.`
    await this.#stop(new AfieldError(revoked ? 'model/revoked' : 'model/killed', what))
  }

  async #stop(error: AfieldError): Promise<void> {
    this.close()
    await this.#ports.host.refuse(this.route, errorToData(error))
    const { code, message } = error
    this.#ports.host.emit({ type: 'refused', model: this.model, code, message })
  }

  #tellFailure({ model, version, ...served }: Served, error: AfieldError): void {
    const { code, message } = error
    this.#options.count({ model, version, ...served }, 'failed', code)
    this.#ports.log('warn', `${model} ${version} failed on this device and is not served.`, error)
    this.#ports.host.emit({ type: 'rejected', model, version, code, message })
  }

  async #remember(record: ModelRecord, assignment: Assignment | undefined): Promise<void> {
    if (!assignment || JSON.stringify(assignment) === JSON.stringify(record.assignment)) return
    await this.#options.records.update(this.model, (now) => ({ ...now, assignment }))
  }
}

function servedBy(model: string, decision: Serve, { rollout }: ModelDocuments): Served {
  return {
    model,
    version: decision.version,
    arm: decision.arm,
    backend: BACKEND,
    epoch: rollout?.epoch ?? 0,
    step: rollout?.steps.filter((step) => step <= rollout.coverage).length ?? 0,
  }
}

function releaseOf({ index }: ModelDocuments, version: Version): Release {
  const release = index.versions[version]
  if (release) return release
  throw new AfieldError('model/not-found', `${version} is not in the model's index.`)
}
