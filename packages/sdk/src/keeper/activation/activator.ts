import {
  AfieldError,
  decide,
  mayRun,
  type Alias,
  type Assignment,
  type Decision,
  type Release,
  type Version,
} from '@afield/protocol'
import { BACKEND } from '../blobs/files.js'
import type { Deferral } from '../downloads.js'
import type { ModelDocuments } from '../manifest/client.js'
import type { Ports, Served } from '../ports.js'
import type { Fetcher, StoredVersion } from './fetcher.js'
import { failedHere, type Failure, type ModelRecord } from './record.js'
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
  readonly options: ActivatorOptions
  /** What runs, and how another takes over. */
  readonly serving: Serving
  #decision: Decision | undefined
  #refusal: AfieldError | undefined
  #deferred: Deferred | undefined
  #ended = false

  constructor(ports: Ports, options: ActivatorOptions) {
    this.#ports = ports
    this.options = options
    this.serving = new Serving(ports, options)
  }

  get route(): string {
    return this.options.route
  }

  get model(): string {
    return this.options.model
  }

  get running(): Running | undefined {
    return this.serving.running
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
      const documents = this.options.documents()
      const record = await this.serving.settle()
      const decision = this.decide(documents, record)
      this.#decision = decision
      if (decision.kind === 'refuse') throw await this.#refuse(documents, record, decision)
      this.#refusal = undefined
      this.#deferred = undefined
      await this.#remember(record, decision.assignment)
      const served = servedBy(this.model, decision, documents)
      const standsIn = this.#standsIn(documents, record, decision)
      const release = this.releaseOf(served.version, documents)
      const hash = release.descriptor.sha256
      if (this.running?.descriptor === hash) {
        await this.serving.relabel(served, { standsIn, withdrawn: this.#withdrawn(documents) })
        return true
      }
      const stored =
        fetched?.hash === hash ? fetched : await this.options.fetcher.stored(served.version, release)
      if (stored) {
        fetched = undefined
        const terms = { standsIn, withdrawn: this.#withdrawn(documents) }
        const activate = () => this.serving.activate(served, release, stored, terms)
        if (await this.#tryOrFallBack(documents, record, served, activate)) return true
        continue
      }
      if (!this.#mayGoOn(documents, record) && !(await this.#serveLastGood(documents, record, served))) {
        if (!network) return false
        await this.#stopWithdrawn(documents, record)
      }
      if (!network) return true
      const reason = this.running ? 'update' : 'load'
      const outcome = await this.options.fetcher.fetch(served, release, reason, signal)
      if (outcome.kind === 'deferred') {
        const { bytes, why } = outcome
        this.#deferred = { version: served.version, bytes, why }
        return true
      }
      if (outcome.kind === 'unrunnable') await this.serving.ruleOut(served, hash, outcome.error)
      if (outcome.kind === 'here') fetched = { ...outcome.stored, hash }
    }
  }

  /** There is news: a download that runs stops, keeps what it has, and asks again whether it is still wanted. */
  interrupt(): void {
    this.options.fetcher.interrupt()
  }

  /** The app itself looks for news: a download that was declined is asked about again. */
  askAgain(): void {
    this.options.fetcher.askAgain()
  }

  /** Resolves when an engine next begins to serve. */
  nextSwap(): Promise<void> {
    return this.serving.nextSwap()
  }

  /** Nothing answers any more, and that is why. */
  async stop(error: AfieldError): Promise<void> {
    this.interrupt()
    await this.serving.stop(error)
  }

  /** Its engine is gone; what is under way may bring up another. */
  lose(): void {
    this.interrupt()
    this.serving.close()
  }

  /** Nothing is begun from now on, and what is under way gives up at its next step. */
  end(): void {
    this.#ended = true
    this.interrupt()
  }

  close(): void {
    this.end()
    this.serving.close()
  }

  /** @param failed what may not serve; default what rests here. */
  decide(
    documents: ModelDocuments,
    record: ModelRecord,
    failed: ReadonlySet<Version> = new Set(this.failures(documents, record).keys()),
  ): Decision {
    return decide({
      index: documents.index,
      rollout: documents.rollout,
      deviceId: this.options.deviceId,
      assignment: record.assignment,
      failedHere: failed,
      requested: this.options.requested,
    })
  }

  /** @throws AfieldError `model/not-found` where the index no longer names it. */
  releaseOf(version: Version, { index } = this.options.documents()): Release {
    const release = index.versions[version]
    if (release) return release
    throw new AfieldError('model/not-found', `${version} is not in the model's index.`)
  }

  /** Another version was meant for this device. */
  #standsIn(documents: ModelDocuments, record: ModelRecord, { reason, version }: Serve): boolean {
    if (reason === 'stable-unavailable') return true
    const meant = this.decide(documents, record, new Set())
    return meant.kind === 'serve' && meant.version !== version
  }

  /** What failed on this device and rests. */
  failures({ index }: ModelDocuments, record: ModelRecord): ReadonlyMap<Version, Failure> {
    return failedHere(record, index, this.#ports.clock.now())
  }

  async #refuse(documents: ModelDocuments, record: ModelRecord, decision: Refuse): Promise<AfieldError> {
    const { requested } = this.options
    const error = refusalError(this.model, requested, decision, this.failures(documents, record))
    this.#refusal = error
    await this.stop(error)
    return error
  }

  #mayGoOn(documents: ModelDocuments, record: ModelRecord): boolean {
    const version = this.running?.served.version
    if (version === undefined || this.failures(documents, record).has(version)) return false
    return mayRun(documents, version)
  }

  /** What may not run any more, also where it only finishes streams that are pinned to it. */
  #withdrawn(documents: ModelDocuments): readonly Version[] {
    return [...this.serving.past].filter((version) => !mayRun(documents, version))
  }

  /**
   * Something else serves meanwhile: the version that proved itself here last, or the one before it, if it still may.
   * Nothing stands in for a version that the app asked for.
   */
  async #serveLastGood(documents: ModelDocuments, record: ModelRecord, decided: Served): Promise<boolean> {
    if (decided.arm === 'pinned') return false
    const failures = this.failures(documents, record)
    for (const held of [record.current, record.previous]) {
      const release = held && documents.index.versions[held.version]
      if (!held || !release || release.descriptor.sha256 !== held.descriptor) continue
      if (held.version === decided.version || failures.has(held.version)) continue
      if (!mayRun(documents, held.version)) continue
      const stored = await this.options.fetcher.stored(held.version, release)
      const served: Served = { ...decided, version: held.version, arm: 'stable' }
      try {
        const terms = { standsIn: true, withdrawn: this.#withdrawn(documents) }
        if (stored && (await this.serving.activate(served, release, stored, terms))) return true
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
        else this.serving.close()
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
    const failure = this.failures(documents, record).get(version)
    if (failure) {
      const what = `${version} of "${this.model}" failed here: ${failure.message}`
      return this.serving.stop(new AfieldError(failure.code, what))
    }
    const revoked = documents.index.versions[version]?.revoked !== undefined
    const what = `${version} of "${this.model}" was taken back; the version that replaces it is on its way.`
    await this.serving.stop(new AfieldError(revoked ? 'model/revoked' : 'model/killed', what))
  }

  async #remember(record: ModelRecord, assignment: Assignment | undefined): Promise<void> {
    if (!assignment || JSON.stringify(assignment) === JSON.stringify(record.assignment)) return
    await this.options.records.update(this.model, (now) => ({ ...now, assignment }))
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
