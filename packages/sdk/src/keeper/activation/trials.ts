import { AfieldError, asAfieldError, type Backend, type ErrorCode } from '@afield/protocol'
import type { EngineFacts } from '../../engine/messages.js'
import { reach, type Engine, type EngineModel, type EngineRole, type Ports } from '../ports.js'
import {
  REST_MS,
  confirmed,
  failed,
  passed,
  selfTestKey,
  type ModelRecord,
  type ModelRecords,
  type VersionOnDevice,
} from './record.js'

/** Trials that may end with the death of the page before the version counts as failed. */
const STRIKES = 2
/** An engine that is not ready by then hangs. Generous: on a first visit it downloads its runtime meanwhile. */
const READY_WITHIN_MS = 3 * 60 * 1000
/** What a version is to blame for; anything else may be the network, the browser or the app's deployment. */
const BLAMED: readonly ErrorCode[] = [
  'descriptor/invalid',
  'engine/run-failed',
  'engine/session-failed',
  'model/self-test-failed',
  'platform/unsupported',
]

/** Whether a failure says that the version does not work here. */
export function isBlamed({ code }: AfieldError): boolean {
  return BLAMED.includes(code)
}

/** @throws AfieldError `engine/crashed` where an engine is not ready in time. */
export function withinLimit<T>(clock: Ports['clock'], work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(READY_WITHIN_MS, () =>
      reject(
        new AfieldError(
          'engine/crashed',
          `The engine was not ready after ${READY_WITHIN_MS / 60_000} minutes.`,
        ),
      ),
    )
    work.then(resolve, reject).finally(cancel)
  })
}

export interface Staged {
  readonly version: VersionOnDevice
  readonly backend: Backend
  /** The app asked for this version: it does not become what the device falls back to. */
  readonly pinned: boolean
  readonly role: EngineRole
  readonly modelBytes: number
  readonly model: EngineModel
}

/** How a trial ended. `known`: it had proven itself here before. */
export type Outcome =
  | {
      readonly kind: 'ready'
      readonly engine: Engine
      readonly facts: EngineFacts
      readonly known: boolean
    }
  | { readonly kind: 'failed'; readonly error: AfieldError }

/**
 * A version proves itself on this device before it serves. That it is tried is written down before its session is
 * made, one tab at a time, so that a death during the trial shows at the next start.
 */
export class Trials {
  readonly #ports: Ports
  readonly #records: ModelRecords
  readonly #model: string
  readonly #life: string

  constructor(ports: Ports, records: ModelRecords, model: string, life: string) {
    this.#ports = ports
    this.#records = records
    this.#model = model
    this.#life = life
  }

  /**
   * The record, after a trial that somebody's death left open was settled: a page that died while it was in view and
   * had not said goodbye gives a strike.
   */
  async settle(): Promise<ModelRecord> {
    const record = await this.#records.read(this.#model)
    if (!record.trial) return record
    return this.#ports.locks.hold('trial', () =>
      this.#records.update(this.#model, (now) => this.#judgeDeath(now)),
    )
  }

  /**
   * Makes a session of a version and, unless they passed here before, replays its golden vectors.
   *
   * @throws AfieldError when the version is not to blame: `engine/crashed`, `engine/runtime-unavailable`, `closed`.
   */
  async run(staged: Staged): Promise<Outcome> {
    const { platform, locks } = this.#ports
    const key = selfTestKey(
      staged.version.descriptor,
      staged.backend,
      platform.runtime,
      platform.browserBuild,
    )
    const record = await this.#records.read(this.#model)
    const tested = record.selfTested.includes(key)
    const known = tested && (staged.pinned || record.current?.descriptor === staged.version.descriptor)
    if (known) return this.#stage(staged, true, true)
    return locks.hold('trial', async () => {
      const { version } = staged
      await this.#update((now) => ({ ...now, trial: { ...version, life: this.#life } }))
      await reach(this.#ports, 'trial/written')
      const outcome = await this.#stage(staged, tested, false)
      if (outcome.kind === 'failed') return outcome
      try {
        await this.#update((now) => {
          const proven = passed(now, version, key)
          return staged.pinned ? proven : confirmed(proven, version)
        })
        await reach(this.#ports, 'trial/confirmed')
        return outcome
      } catch (error) {
        outcome.engine.close()
        throw error
      }
    })
  }

  async #stage(
    { model, version, role, modelBytes }: Staged,
    tested: boolean,
    known: boolean,
  ): Promise<Outcome> {
    let engine: Engine | undefined
    try {
      engine = await this.#ports.host.openEngine({ role, runtime: 'plain', modelBytes })
      const load = engine.load(tested ? { ...model, selfTest: undefined } : model)
      const facts = await withinLimit(this.#ports.clock, load)
      await reach(this.#ports, 'trial/session-made')
      return { kind: 'ready', engine, facts, known }
    } catch (cause) {
      engine?.close()
      const error = asAfieldError(cause, 'engine/session-failed', 'The session could not be made')
      if (!isBlamed(error)) {
        await this.#update(({ trial: _ended, ...rest }) => rest)
        throw error
      }
      const until = this.#ports.clock.now() + REST_MS
      await this.#update((now) =>
        failed(now, { ...version, code: error.code, message: error.message, until }),
      )
      return { kind: 'failed', error }
    }
  }

  #judgeDeath({ trial, ...record }: ModelRecord): ModelRecord {
    if (!trial) return record
    const strikes = (record.strikes[trial.descriptor] ?? 0) + 1
    const struck: ModelRecord = { ...record, strikes: { ...record.strikes, [trial.descriptor]: strikes } }
    if (strikes < STRIKES) return struck
    return failed(struck, {
      version: trial.version,
      descriptor: trial.descriptor,
      code: 'engine/crashed',
      message: `The page died ${strikes} times while trying this version.`,
      until: this.#ports.clock.now() + REST_MS,
    })
  }

  #update(change: (record: ModelRecord) => ModelRecord): Promise<ModelRecord> {
    return this.#records.update(this.#model, change)
  }
}
