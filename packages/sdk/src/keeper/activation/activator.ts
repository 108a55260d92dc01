import {
  AfieldError,
  asAfieldError,
  decide,
  errorToData,
  mayRun,
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
  confirmed,
  failed,
  failedHere,
  passed,
  selfTestKey,
  type Failure,
  type ModelRecord,
  type ModelRecords,
  type VersionOnDevice,
} from './record.js'

/** A version that failed here rests this long before it may try once more. */
const REST_MS = 24 * 60 * 60 * 1000
/** Trials that may end with the death of the page before the version counts as failed. */
const STRIKES = 2
const BACKEND = 'wasm'

type Serve = Extract<Decision, { kind: 'serve' }>

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
  readonly requested: Version | 'latest' | undefined
  readonly deviceId: string
  readonly records: ModelRecords
  /** This page's life, written into trials. */
  readonly life: string
  /** Called for each step of the way, for telemetry. */
  readonly count: (served: Served, step: FunnelStep, error?: ErrorCode) => void
}

/**
 * Brings what a model runs in this tab in line with what was decided for this device:
 * decided, downloaded, verified, staged on an engine of its own, self-tested, warmed, confirmed, serving.
 * A version that fails on the way is written down as failed here and the decision is made again without it, so the
 * version before it keeps serving.
 */
export class Activator {
  readonly #ports: Ports
  readonly #blobs: Blobs
  readonly #options: ActivatorOptions
  #running: Running | undefined
  #decision: Decision | undefined
  #refusal: AfieldError | undefined

  constructor(ports: Ports, blobs: Blobs, options: ActivatorOptions) {
    this.#ports = ports
    this.#blobs = blobs
    this.#options = options
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
   * @param network whether bytes may be fetched. Without it, a version that is not on the device gives way to the
   *   one that proved itself here last.
   * @returns false when nothing can serve without the network.
   * @throws AfieldError when nothing may or can serve: `model/killed`, `model/revoked`, `model/not-found`,
   *   `model/self-test-failed`, `chunk/*`, `engine/*`.
   */
  async reconcile(documents: ModelDocuments, network: boolean, signal?: AbortSignal): Promise<boolean> {
    for (;;) {
      const record = await this.#settledRecord()
      const decision = this.#decide(documents, record)
      this.#decision = decision
      if (decision.kind === 'refuse') {
        const error = refusal(
          this.#options,
          decision,
          failedHere(record, documents.index, this.#ports.clock.now()),
        )
        this.#refusal = error
        await this.#stop(error)
        throw error
      }
      this.#refusal = undefined
      await this.#remember(record, decision.assignment)
      const served = servedBy(this.#options.model, decision, documents)
      const release = documents.index.versions[decision.version]
      if (!release)
        throw new AfieldError('model/not-found', `${decision.version} is not in the model's index.`)
      if (this.#running?.descriptor === release.descriptor.sha256) {
        await this.#relabel(this.#running, served)
        return true
      }
      const stored = network
        ? await this.#fetch(documents, served, release, signal)
        : await this.#readStored(served.model, served.version, release)
      if (!stored) return this.#mayGoOn(documents) || (await this.#serveLastGood(documents, record, served))
      if (await this.#activate(served, release, stored.descriptor, stored.bytes)) return true
    }
  }

  close(): void {
    this.#running?.engine.close()
    this.#running = undefined
  }

  #decide(documents: ModelDocuments, record: ModelRecord): Decision {
    return decide({
      index: documents.index,
      rollout: documents.rollout,
      deviceId: this.#options.deviceId,
      assignment: record.assignment,
      failedHere: new Set(failedHere(record, documents.index, this.#ports.clock.now()).keys()),
      requested: this.#options.requested,
    })
  }

  /** Downloads what is missing. When that fails, a version that was withdrawn meanwhile does not go on serving. */
  async #fetch(
    documents: ModelDocuments,
    served: Served,
    release: Release,
    signal: AbortSignal | undefined,
  ): Promise<StoredVersion> {
    try {
      const stored =
        (await this.#download(served, release, signal)) ?? (await this.#download(served, release, signal))
      if (stored) return stored
      throw new AfieldError(
        'chunk/unavailable',
        'What was downloaded could not be read back from storage. Free some room and load it again.',
      )
    } catch (cause) {
      const error = asAfieldError(cause, 'internal/unexpected', 'The download failed')
      if (this.#running && !this.#mayGoOn(documents)) await this.#stop(error)
      throw error
    }
  }

  /** @returns `undefined` when the store gave back something else than it was given. */
  async #download(
    served: Served,
    release: Release,
    signal: AbortSignal | undefined,
  ): Promise<StoredVersion | undefined> {
    const { model, version } = served
    const descriptor = await this.#blobs.descriptor(model, version, release, signal)
    const totalBytes = bytesOf(descriptor)
    const fetched = await this.#blobs.download(descriptor, {
      signal,
      onProgress: (loadedBytes) =>
        this.#ports.host.emit({ type: 'progress', model, version, loadedBytes, totalBytes }),
    })
    if (fetched > 0) this.#options.count(served, 'downloaded')
    const bytes = await this.#blobs.read(descriptor)
    if (bytes && fetched > 0) this.#options.count(served, 'verified')
    return bytes && { descriptor, bytes }
  }

  async #readStored(model: string, version: Version, release: Release): Promise<StoredVersion | undefined> {
    const descriptor = await this.#blobs.storedDescriptor(model, version, release)
    const bytes = descriptor && (await this.#blobs.read(descriptor))
    return descriptor && bytes && { descriptor, bytes }
  }

  #mayGoOn(documents: ModelDocuments): boolean {
    return this.#running !== undefined && mayRun(documents, this.#running.served.version)
  }

  /**
   * The decided version is not here yet: the one that proved itself last serves meanwhile, if it still may. Nothing
   * stands in for a version that the app asked for.
   */
  async #serveLastGood(documents: ModelDocuments, record: ModelRecord, decided: Served): Promise<boolean> {
    if (decided.arm === 'pinned') return false
    const failures = failedHere(record, documents.index, this.#ports.clock.now())
    for (const held of [record.current, record.previous]) {
      const release = held && documents.index.versions[held.version]
      if (!held || !release || release.descriptor.sha256 !== held.descriptor) continue
      if (!mayRun(documents, held.version) || failures.has(held.version)) continue
      const stored = await this.#readStored(decided.model, held.version, release)
      if (!stored) continue
      const served: Served = { ...decided, version: held.version, arm: 'stable' }
      if (await this.#activate(served, release, stored.descriptor, stored.bytes)) return true
    }
    return false
  }

  /** Stages, tests and confirms; false when the version itself failed, which is then written down. */
  async #activate(
    served: Served,
    release: Release,
    descriptor: Descriptor,
    bytes: Uint8Array<ArrayBuffer>,
  ): Promise<boolean> {
    const { platform, locks } = this.#ports
    const version: VersionOnDevice = { version: served.version, descriptor: release.descriptor.sha256 }
    const key = selfTestKey(version.descriptor, BACKEND, platform.runtime, platform.browserBuild)
    const record = await this.#record()
    const tested = record.selfTested.includes(key)
    // A version that the app pinned is not what this device falls back to, so it leaves `current` alone.
    const pinned = served.arm === 'pinned'
    const proven = tested && (pinned || record.current?.descriptor === version.descriptor)
    const stage = async (): Promise<boolean> => {
      if (!proven)
        await this.#write({ ...(await this.#record()), trial: { ...version, life: this.#options.life } })
      const engine = await this.#ports.host.openEngine()
      try {
        const selfTest = tested ? undefined : descriptor.selfTest
        await engine.load({ bytes, contract: descriptor.contract, selfTest })
      } catch (cause) {
        engine.close()
        const error = asAfieldError(cause, 'engine/session-failed', 'The session could not be made')
        await this.#fail(served, version, error)
        return false
      }
      if (!proven) {
        this.#options.count(served, 'staged')
        const settled = passed(await this.#record(), version, key)
        await this.#write(pinned ? settled : confirmed(settled, version))
        this.#options.count(served, 'confirmed')
      }
      await this.#swap({ served, descriptor: version.descriptor, engine })
      return true
    }
    return proven ? stage() : locks.hold('trial', stage)
  }

  async #swap(next: Running): Promise<void> {
    const before = this.#running
    this.#running = next
    const { model, version } = next.served
    await this.#ports.host.serve(this.route, next.engine.id, next.served)
    const previous = before ? { previous: before.served.version } : {}
    this.#ports.host.emit({ type: 'update', model, version, ...previous })
  }

  /** The same version under another label: promoted, or admitted to another step. */
  async #relabel(running: Running, served: Served): Promise<void> {
    if (JSON.stringify(running.served) === JSON.stringify(served)) return
    this.#running = { ...running, served }
    await this.#ports.host.serve(this.route, running.engine.id, served)
  }

  async #stop(error: AfieldError): Promise<void> {
    this.close()
    await this.#ports.host.refuse(this.route, errorToData(error))
    const { code, message } = error
    this.#ports.host.emit({ type: 'refused', model: this.#options.model, code, message })
  }

  /** @throws the error itself when it is not the version's fault, so that the version is not blamed for it. */
  async #fail(served: Served, version: VersionOnDevice, error: AfieldError): Promise<void> {
    const blamed: readonly ErrorCode[] = [
      'engine/session-failed',
      'engine/run-failed',
      'model/self-test-failed',
    ]
    if (!blamed.includes(error.code)) {
      const { trial: _ended, ...rest } = await this.#record()
      await this.#write(rest)
      throw error
    }
    const until = this.#ports.clock.now() + REST_MS
    await this.#write(
      failed(await this.#record(), { ...version, code: error.code, message: error.message, until }),
    )
    this.#options.count(served, 'failed', error.code)
    this.#ports.log(
      'warn',
      `${served.model} ${served.version} failed on this device and is not served.`,
      error,
    )
    this.#ports.host.emit({
      type: 'rejected',
      model: served.model,
      version: served.version,
      code: error.code,
      message: error.message,
    })
  }

  /**
   * The record, after a trial that somebody's death left open was settled: a page that died while it was in view
   * and had not said goodbye gives a strike.
   */
  async #settledRecord(): Promise<ModelRecord> {
    const record = await this.#record()
    if (!record.trial) return record
    return this.#ports.locks.hold('trial', async () => {
      const now = await this.#record()
      if (!now.trial) return now
      const { trial, ...rest } = now
      const strikes = (now.strikes[trial.descriptor] ?? 0) + 1
      const struck: ModelRecord = { ...rest, strikes: { ...now.strikes, [trial.descriptor]: strikes } }
      const settled =
        strikes < STRIKES
          ? struck
          : failed(struck, {
              version: trial.version,
              descriptor: trial.descriptor,
              code: 'engine/crashed',
              message: `The page died ${strikes} times while trying this version.`,
              until: this.#ports.clock.now() + REST_MS,
            })
      await this.#write(settled)
      return settled
    })
  }

  async #remember(record: ModelRecord, assignment: Assignment | undefined): Promise<void> {
    if (!assignment || JSON.stringify(assignment) === JSON.stringify(record.assignment)) return
    await this.#write({ ...record, assignment })
  }

  #record(): Promise<ModelRecord> {
    return this.#options.records.read(this.#options.model)
  }

  #write(record: ModelRecord): Promise<void> {
    return this.#options.records.write(this.#options.model, record)
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

function refusal(
  { model, requested }: Pick<ActivatorOptions, 'model' | 'requested'>,
  { reason }: Extract<Decision, { kind: 'refuse' }>,
  failures: ReadonlyMap<Version, Failure>,
): AfieldError {
  switch (reason) {
    case 'model-killed':
      return new AfieldError(
        'model/killed',
        `The team has switched "${model}" off. Answer without it until \`afield rollout revive ${model}\`.`,
      )
    case 'revoked':
      return new AfieldError('model/revoked', `That version of "${model}" was revoked and never runs again.`)
    case 'not-found':
      return new AfieldError(
        'model/not-found',
        `"${model}" has no such version. Ask for one that was published.`,
      )
    case 'version-killed':
      return new AfieldError(
        'model/killed',
        `The team has switched ${requested} of "${model}" off. Load the model without a version.`,
      )
    case 'failed-here': {
      const failure = [...failures.values()].find(({ version }) => version === requested)
      return new AfieldError(
        failure?.code ?? 'model/self-test-failed',
        `${requested} of "${model}" does not work on this device: ${failure?.message ?? 'it failed here'}`,
      )
    }
    case 'nothing-runnable': {
      const [failure] = failures.values()
      return failure
        ? new AfieldError(failure.code, `No version of "${model}" works on this device: ${failure.message}`)
        : new AfieldError('model/not-found', `"${model}" has no version that may run. Publish one.`)
    }
  }
}
