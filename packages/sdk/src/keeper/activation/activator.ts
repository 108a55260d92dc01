import {
  AfieldError,
  decide,
  mayRun,
  type Alias,
  type Assignment,
  type Decision,
  type Release,
  type Runnable,
  type Version,
} from '@afield/protocol'
import { BACKEND } from '../blobs/files.js'
import type { Deferral } from '../downloads.js'
import type { ModelDocuments } from '../manifest/client.js'
import type { Engine, Ports, Served, Terms } from '../ports.js'
import type { Backing, Fetched, Fetcher, StoredVersion } from './fetcher.js'
import { REST_MS, failedHere, type Failure, type ModelRecord } from './record.js'
import { refusalError } from './refusal.js'
import { Serving, type Running, type ServingOptions } from './serving.js'

type Serve = Extract<Decision, { kind: 'serve' }>
type Refuse = Extract<Decision, { kind: 'refuse' }>

/** An update that waits, and why. */
export interface Deferred {
  readonly version: Version
  readonly bytes: number
  /** `no-room`: two engines do not fit, so it is taken at the next start. */
  readonly why: Deferral | 'no-room'
}

export interface ActivatorOptions extends ServingOptions {
  readonly requested: Version | Alias | 'latest' | undefined
  readonly deviceId: string
  readonly fetcher: Fetcher
  /**
   * What the repository says of the model, as far as the device knows it now; it may change while a version is on its
   * way.
   */
  readonly documents: () => ModelDocuments
}

/**
 * Brings what a model runs in this tab in line with what was decided for this device: decided, downloaded, verified,
 * tried on an engine of its own, confirmed, serving. Each step looks at the newest documents, so a kill takes effect
 * while a download runs. A version that fails on the way is written down as failed here and the decision is made again
 * without it, so the version before it keeps serving.
 */
export class Activator {
  readonly #ports: Ports
  readonly #options: ActivatorOptions
  readonly #serving: Serving
  #decision: Decision | undefined
  #refusal: AfieldError | undefined
  #deferred: Deferred | undefined
  #ended = false

  constructor(ports: Ports, options: ActivatorOptions) {
    this.#ports = ports
    this.#options = options
    this.#serving = new Serving(ports, options)
  }

  get route(): string {
    return this.#options.route
  }

  get model(): string {
    return this.#options.model
  }

  get running(): Running | undefined {
    return this.#serving.running
  }

  get decision(): Decision | undefined {
    return this.#decision
  }

  /** What does not serve here yet because its download waits. */
  get deferred(): Deferred | undefined {
    return this.#deferred
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
   *   `model/self-test-failed`, `chunk/*`, `download/*`, `engine/*`, `storage/quota`.
   */
  async reconcile(network: boolean, signal?: AbortSignal): Promise<boolean> {
    let fetched: (StoredVersion & { readonly hash: string }) | undefined
    for (;;) {
      if (this.#ended) throw new AfieldError('closed', `"${this.model}" was closed on this page.`)
      const documents = this.#options.documents()
      const record = await this.#serving.settle()
      const decision = this.#decide(documents, record)
      this.#decision = decision
      if (decision.kind === 'refuse') throw await this.#refuse(documents, record, decision)
      this.#refusal = undefined
      this.#deferred = undefined
      await this.#remember(record, decision.assignment)
      const served = servedBy(this.model, decision, documents)
      const standsIn = this.#standsIn(documents, record, decision)
      const release = releaseOf(documents, served.version)
      const hash = release.descriptor.sha256
      if (this.running?.descriptor === hash) {
        await this.#serving.relabel(served, { standsIn, withdrawn: this.#withdrawn(documents) })
        return true
      }
      const stored =
        fetched?.hash === hash ? fetched : await this.#options.fetcher.stored(served.version, release)
      if (stored) {
        fetched = undefined
        const terms = { standsIn, withdrawn: this.#withdrawn(documents) }
        const activate = () => this.#serving.activate(served, release, stored, terms)
        if (await this.#tryOrFallBack(documents, record, served, activate)) return true
        continue
      }
      if (!this.#mayGoOn(documents, record) && !(await this.#serveLastGood(documents, record, served))) {
        if (!network) return false
        await this.#stopWithdrawn(documents, record)
      }
      if (!network) return true
      const reason = this.running ? 'update' : 'load'
      const outcome = await this.#options.fetcher.fetch(served, release, reason, signal)
      if (outcome.kind === 'deferred') {
        const { bytes, why } = outcome
        this.#deferred = { version: served.version, bytes, why }
        return true
      }
      if (outcome.kind === 'unrunnable') await this.#serving.ruleOut(served, hash, outcome.error)
      if (outcome.kind === 'here') fetched = { ...outcome.stored, hash }
    }
  }

  /** Whether the version that serves could give way to another that is on this device and not asked for by number. */
  async hasStandIn(): Promise<boolean> {
    const running = this.running?.served
    if (!running || running.arm === 'pinned') return false
    const documents = this.#options.documents()
    const record = await this.#options.records.read(this.model)
    const failed = new Set([...this.#failures(documents, record).keys(), running.version])
    const decision = this.#decide(documents, record, failed)
    if (decision.kind === 'refuse') return false
    const others = [decision.version, record.current?.version, record.previous?.version]
    for (const version of new Set(others)) {
      const release = version && documents.index.versions[version]
      if (!release || failed.has(version) || !mayRun(documents, version)) continue
      if (await this.#options.fetcher.stored(version, release)) return true
    }
    return false
  }

  /** The version that serves is to blame: it rests, and what is decided without it serves. */
  async giveUp(error: AfieldError, network: boolean): Promise<void> {
    const { running } = this
    if (!running) return
    await this.#serving.ruleOut(running.served, running.descriptor, error, REST_MS)
    await this.reconcile(network)
  }

  /** There is news: a download that runs stops, keeps what it has, and asks again whether it is still wanted. */
  interrupt(): void {
    this.#options.fetcher.interrupt()
  }

  /** The app itself looks for news: a download that was declined is asked about again. */
  askAgain(): void {
    this.#options.fetcher.askAgain()
  }

  /** The version that runs, out of the store; `undefined` when nothing runs, or it is no longer here whole. */
  async storedRunning(on = this.running?.on): Promise<StoredVersion | undefined> {
    const version = this.running?.served.version
    if (!version) return undefined
    return this.#options.fetcher.stored(version, releaseOf(this.#options.documents(), version), on)
  }

  /** What runs, as its descriptor says; `undefined` when nothing does. */
  async describeRunning(): Promise<Runnable | undefined> {
    const version = this.running?.served.version
    if (!version) return undefined
    return this.#options.fetcher.describe(version, releaseOf(this.#options.documents(), version))
  }

  /** The files that the version that runs has for another backend, by the rules of downloads. */
  async fetchRunning(on: Backing): Promise<Fetched> {
    if (!this.running) return { kind: 'interrupted' }
    const { served } = this.running
    const release = releaseOf(this.#options.documents(), served.version)
    return this.#options.fetcher.fetch({ ...served, backend: on.backend }, release, 'update', undefined, on)
  }

  /** From now on an engine of another backend serves the version that runs. */
  move(engine: Engine, on: Backing, terms: Terms): Promise<void> {
    return this.#serving.move(engine, on, terms)
  }

  /** Resolves when an engine next begins to serve. */
  nextSwap(): Promise<void> {
    return this.#serving.nextSwap()
  }

  /** Nothing answers any more, and that is why. */
  async stop(error: AfieldError): Promise<void> {
    this.interrupt()
    await this.#serving.stop(error)
  }

  /** Its engine is gone; what is under way may bring up another. */
  lose(): void {
    this.interrupt()
    this.#serving.close()
  }

  /** Nothing is begun from now on, and what is under way gives up at its next step. */
  end(): void {
    this.#ended = true
    this.interrupt()
  }

  close(): void {
    this.end()
    this.#serving.close()
  }

  #decide(
    documents: ModelDocuments,
    record: ModelRecord,
    failed: ReadonlySet<Version> = new Set(this.#failures(documents, record).keys()),
  ): Decision {
    return decide({
      index: documents.index,
      rollout: documents.rollout,
      deviceId: this.#options.deviceId,
      assignment: record.assignment,
      failedHere: failed,
      requested: this.#options.requested,
    })
  }

  /** Another version was meant for this device. */
  #standsIn(documents: ModelDocuments, record: ModelRecord, { reason, version }: Serve): boolean {
    if (reason === 'stable-unavailable') return true
    const meant = this.#decide(documents, record, new Set())
    return meant.kind === 'serve' && meant.version !== version
  }

  #failures({ index }: ModelDocuments, record: ModelRecord): ReadonlyMap<Version, Failure> {
    return failedHere(record, index, this.#ports.clock.now())
  }

  async #refuse(documents: ModelDocuments, record: ModelRecord, decision: Refuse): Promise<AfieldError> {
    const { requested } = this.#options
    const error = refusalError(this.model, requested, decision, this.#failures(documents, record))
    this.#refusal = error
    await this.stop(error)
    return error
  }

  #mayGoOn(documents: ModelDocuments, record: ModelRecord): boolean {
    const version = this.running?.served.version
    if (version === undefined || this.#failures(documents, record).has(version)) return false
    return mayRun(documents, version)
  }

  /** What may not run any more, also where it only finishes streams that are pinned to it. */
  #withdrawn(documents: ModelDocuments): readonly Version[] {
    return [...this.#serving.past].filter((version) => !mayRun(documents, version))
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
      const stored = await this.#options.fetcher.stored(held.version, release)
      const served: Served = { ...decided, version: held.version, arm: 'stable' }
      try {
        const terms = { standsIn: true, withdrawn: this.#withdrawn(documents) }
        if (stored && (await this.#serving.activate(served, release, stored, terms))) return true
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
    activate: () => Promise<boolean>,
  ): Promise<boolean> {
    try {
      return await activate()
    } catch (error) {
      if (!(error instanceof AfieldError)) throw error
      const mayGoOn = this.#mayGoOn(documents, record)
      if (error.code === 'engine/no-room') {
        if (mayGoOn) this.#deferred = { version: served.version, bytes: 0, why: 'no-room' }
        // What may not go on makes the room.
        else this.#serving.close()
        return this.running !== undefined
      }
      if (mayGoOn) throw error
      if (!(await this.#serveLastGood(documents, record, served))) throw error
      this.#ports.log('warn', `${served.version} could not be started; another version serves.`, error)
      return true
    }
  }

  /** What runs was taken back and nothing can stand in until another version has been downloaded. */
  async #stopWithdrawn(documents: ModelDocuments, record: ModelRecord): Promise<void> {
    if (!this.running) return
    const { version } = this.running.served
    const failure = this.#failures(documents, record).get(version)
    if (failure) {
      const what = `${version} of "${this.model}" failed here: ${failure.message}`
      return this.#serving.stop(new AfieldError(failure.code, what))
    }
    const revoked = documents.index.versions[version]?.revoked !== undefined
    const what = `${version} of "${this.model}" was taken back; the version that replaces it is on its way.`
    await this.#serving.stop(new AfieldError(revoked ? 'model/revoked' : 'model/killed', what))
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
