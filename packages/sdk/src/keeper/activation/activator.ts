import {
  AfieldError,
  asAfieldError,
  decide,
  errorToData,
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
  readRecord,
  selfTestKey,
  writeRecord,
  type Failure,
  type ModelRecord,
  type VersionOnDevice,
} from './record.js'

/** A version that failed here rests this long before it may try once more. */
const REST_MS = 24 * 60 * 60 * 1000
/** Trials that may end with the death of the page before the version counts as failed. */
const STRIKES = 2
const BACKEND = 'wasm'

type Serve = Extract<Decision, { kind: 'serve' }>

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
        const error = refusal(this.#options.model, decision, failedHere(record, this.#ports.clock.now()))
        await this.#stop(error)
        throw error
      }
      await this.#remember(record, decision.assignment)
      const served = servedBy(this.#options.model, decision, documents)
      const release = documents.index.versions[decision.version]
      if (!release)
        throw new AfieldError('model/not-found', `${decision.version} is not in the model's index.`)
      if (this.#running?.descriptor === release.descriptor.sha256) {
        await this.#relabel(this.#running, served)
        return true
      }
      const descriptor = network
        ? await this.#download(served, release, signal)
        : await this.#blobs.storedDescriptor(served.model, served.version, release)
      const bytes = descriptor && (await this.#blobs.read(descriptor))
      if (!descriptor || !bytes) {
        if (network) throw new AfieldError('chunk/unavailable', 'A chunk was lost between download and use.')
        return this.#running !== undefined || (await this.#serveLastGood(documents, record, served))
      }
      if (await this.#activate(served, release, descriptor, bytes)) return true
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
      failedHere: new Set(failedHere(record, this.#ports.clock.now()).keys()),
      requested: this.#options.requested,
    })
  }

  async #download(served: Served, release: Release, signal: AbortSignal | undefined): Promise<Descriptor> {
    const { model, version } = served
    const descriptor = await this.#blobs.descriptor(model, version, release, signal)
    const totalBytes = bytesOf(descriptor)
    await this.#blobs.download(descriptor, {
      signal,
      onProgress: (loadedBytes) =>
        this.#ports.host.emit({ type: 'progress', model, version, loadedBytes, totalBytes }),
    })
    this.#options.count(served, 'downloaded')
    return descriptor
  }

  /** The decided version is not here yet: the one that proved itself last serves meanwhile, if it still may. */
  async #serveLastGood(documents: ModelDocuments, record: ModelRecord, decided: Served): Promise<boolean> {
    for (const held of [record.current, record.previous]) {
      const release = held && documents.index.versions[held.version]
      if (!held || !release || release.revoked || release.descriptor.sha256 !== held.descriptor) continue
      const descriptor = await this.#blobs.storedDescriptor(decided.model, held.version, release)
      const bytes = descriptor && (await this.#blobs.read(descriptor))
      if (!descriptor || !bytes) continue
      const served: Served = { ...decided, version: held.version, arm: 'stable' }
      if (await this.#activate(served, release, descriptor, bytes)) return true
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
    return readRecord(this.#ports.state, this.#options.model)
  }

  /** A device that cannot write still predicts; it only forgets. */
  async #write(record: ModelRecord): Promise<void> {
    try {
      await writeRecord(this.#ports.state, this.#options.model, record)
    } catch (error) {
      if (!(error instanceof AfieldError)) throw error
      this.#ports.log('warn', 'What this device learned about a version could not be stored.', error)
    }
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
  model: string,
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
    case 'nothing-runnable': {
      const [failure] = failures.values()
      return failure
        ? new AfieldError(failure.code, `No version of "${model}" works on this device: ${failure.message}`)
        : new AfieldError('model/not-found', `"${model}" has no version that may run. Publish one.`)
    }
  }
}
