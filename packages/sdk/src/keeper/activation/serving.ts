import {
  errorToData,
  type AfieldError,
  type ErrorCode,
  type FunnelStep,
  type Release,
  type Version,
} from '@afield/protocol'
import { reach, type Engine, type Ports, type Served, type Terms } from '../ports.js'
import { engineModel, modelBytes } from './engine-model.js'
import { WASM, type Backing, type StoredVersion } from './fetcher.js'
import { failed, pinned, type ModelRecord, type ModelRecords, type VersionOnDevice } from './record.js'
import { Trials } from './trials.js'

/** An app that brings a newer onnxruntime is not kept waiting for a day. */
const UNRUNNABLE_MS = 60 * 60 * 1000

/** What a model runs right now in this tab. */
export interface Running {
  readonly served: Served
  readonly descriptor: VersionOnDevice['descriptor']
  readonly engine: Engine
  readonly terms: Terms
  /** What it runs on. */
  readonly on: Backing
}

export interface ServingOptions {
  /** What the page routes predictions by. */
  readonly route: string
  readonly model: string
  /** This page's life, written into trials. */
  readonly life: string
  readonly records: ModelRecords
  /** Called after a version proved itself, when others may have become superfluous. */
  readonly sweep: () => Promise<void>
  /** Called for each step of the way, for telemetry. */
  readonly count: (served: Served, step: FunnelStep, error?: ErrorCode) => void
}

/** What answers for a model in this tab: tries versions on engines of their own, swaps to them, and stops them. */
export class Serving {
  readonly #ports: Ports
  readonly #options: ServingOptions
  readonly #trials: Trials
  /** The versions that served here, and may still run. */
  readonly past = new Set<Version>()
  readonly #waiting: (() => void)[] = []
  #running: Running | undefined

  constructor(ports: Ports, options: ServingOptions) {
    this.#ports = ports
    this.#options = options
    this.#trials = new Trials(ports, options.records, options.model, options.life)
  }

  get running(): Running | undefined {
    return this.#running
  }

  /** The model's record, after what a death left open in it was settled. */
  settle(): Promise<ModelRecord> {
    return this.#trials.settle()
  }

  /** Resolves when an engine next begins to serve. */
  nextSwap(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /**
   * Tries a version and swaps to it; false when the version itself failed, which is then written down.
   *
   * @param on see {@link Terms}.
   */
  async activate(
    served: Served,
    release: Release,
    stored: StoredVersion,
    on: Pick<Terms, 'standsIn' | 'withdrawn'>,
  ): Promise<boolean> {
    const { count, model, records, sweep } = this.#options
    const version = { version: served.version, descriptor: release.descriptor.sha256 }
    const bytes = modelBytes(stored)
    const isPinned = served.arm === 'pinned'
    const outcome = await this.#trials.run({
      version,
      backend: served.backend,
      pinned: isPinned,
      role: this.#running ? 'staging' : 'serving',
      modelBytes: bytes,
      model: engineModel(model, stored, served.backend),
    })
    if (outcome.kind === 'failed') {
      this.#tellFailure(served, outcome.error)
      return false
    }
    if (!outcome.known) {
      count(served, 'staged')
      count(served, 'confirmed')
    }
    const terms: Terms = {
      variant: stored.artifact.variant,
      engine: outcome.facts,
      ...on,
      slo: stored.descriptor.slo,
      modelBytes: bytes,
    }
    await this.#swap({ served, descriptor: version.descriptor, engine: outcome.engine, terms, on: WASM })
    await reach(this.#ports, 'swap/served')
    if (isPinned) {
      const now = this.#ports.clock.now()
      await records.update(model, (record) => pinned(record, version, now))
    }
    if (!outcome.known) await sweep()
    return true
  }

  /** What cannot run here is not tried, and not looked at again for a while. */
  async ruleOut(
    served: Served,
    descriptor: VersionOnDevice['descriptor'],
    error: AfieldError,
    forMs = UNRUNNABLE_MS,
  ): Promise<void> {
    const { version } = served
    const { code, message } = error
    const until = this.#ports.clock.now() + forMs
    const failure = { version, descriptor, code, message, until }
    await this.#options.records.update(this.#options.model, (record) => failed(record, failure))
    this.#tellFailure(served, error)
  }

  /** The same version under another label: promoted, or admitted to another step. */
  async relabel(label: Served, on: Pick<Terms, 'standsIn' | 'withdrawn'>): Promise<void> {
    const running = this.#running
    if (!running) return
    const served = { ...label, backend: running.served.backend }
    const isSame = JSON.stringify(running.served) === JSON.stringify(served)
    if (isSame && running.terms.standsIn === on.standsIn && on.withdrawn.length === 0) return
    await this.#serve({ ...running, served, terms: { ...running.terms, ...on } })
  }

  /**
   * The version that serves, on another engine.
   *
   * @returns whether it serves there: an engine may be lost while it waits for its turn.
   */
  async move(engine: Engine, on: Backing, terms: Terms): Promise<boolean> {
    const running = this.#running
    if (!running) return false
    const served = { ...running.served, backend: on.backend }
    if (!(await this.#ports.host.serve(this.#options.route, engine.id, served, terms))) return false
    this.#running = { ...running, served, engine, terms, on }
    for (const resolve of this.#waiting.splice(0)) resolve()
    return true
  }

  /** Nothing answers any more, and that is why. */
  async stop(error: AfieldError): Promise<void> {
    const { model, route } = this.#options
    this.close()
    await this.#ports.host.refuse(route, errorToData(error))
    const { code, message } = error
    this.#ports.host.emit({ type: 'refused', model, code, message })
  }

  close(): void {
    this.#running?.engine.close()
    this.#running = undefined
  }

  async #swap(next: Running): Promise<void> {
    const before = this.#running
    const { model, version } = next.served
    await this.#serve(next)
    const previous = before ? { previous: before.served.version } : {}
    this.#ports.host.emit({ type: 'update', model, version, ...previous })
  }

  async #serve(next: Running): Promise<void> {
    const before = this.#running
    const { engine, served, terms } = next
    await this.#ports.host.serve(this.#options.route, engine.id, served, terms)
    // Where its engine was lost meanwhile, another is on its way.
    if (before?.engine === engine && this.#running !== before) return
    for (const version of terms.withdrawn) this.past.delete(version)
    this.past.add(served.version)
    this.#running = { ...next, terms: { ...terms, withdrawn: [] } }
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  #tellFailure(served: Served, error: AfieldError): void {
    const { model, version } = served
    const { code, message } = error
    this.#options.count(served, 'failed', code)
    this.#ports.log('warn', `${model} ${version} failed on this device and is not served.`, error)
    this.#ports.host.emit({ type: 'rejected', model, version, code, message })
  }
}
