import * as v from 'valibot'
import {
  AfieldError,
  ERROR_CODES,
  Sha256Schema,
  VersionSchema,
  type ModelIndex,
  type Sha256,
  type Version,
} from '@afield/protocol'
import type { Ports } from '../ports.js'
import { understood } from '../understood.js'

const VersionOnDeviceSchema = v.object({ version: VersionSchema, descriptor: Sha256Schema })
export type VersionOnDevice = v.InferOutput<typeof VersionOnDeviceSchema>

const FailureSchema = v.object({
  version: VersionSchema,
  descriptor: Sha256Schema,
  code: v.picklist(ERROR_CODES),
  message: v.string(),
  /** When it may be tried again, in ms since 1970. */
  until: v.number(),
})
export type Failure = v.InferOutput<typeof FailureSchema>

const ModelRecordSchema = v.object({
  assignment: v.optional(v.object({ epoch: v.number(), seed: v.string(), admitted: v.boolean() })),
  /** The version that proved itself here last: what serves when everything else fails. */
  current: v.optional(VersionOnDeviceSchema),
  previous: v.optional(VersionOnDeviceSchema),
  /** The version that was last meant to come here. What others left half downloaded is nobody's. */
  wanted: v.optional(VersionOnDeviceSchema),
  /** Versions that the app asked for by number, and when it last did (ms since 1970). */
  pinned: v.optional(v.array(v.object({ ...VersionOnDeviceSchema.entries, at: v.number() }))),
  /** Written before a session is made of an unproven version, and cleared with its outcome. */
  trial: v.optional(v.object({ ...VersionOnDeviceSchema.entries, life: v.string() })),
  /** Trials that a death ended, by descriptor. */
  strikes: v.record(v.string(), v.number()),
  failures: v.array(FailureSchema),
  /** What golden vectors passed: `<descriptor> <backend> <runtime> <browser build>`. */
  selfTested: v.array(v.string()),
})

/** What a device remembers about one model. One record, so that it changes as a whole. */
export type ModelRecord = v.InferOutput<typeof ModelRecordSchema>

const EMPTY_RECORD: ModelRecord = { strikes: {}, failures: [], selfTested: [] }

/** Where a page's life writes down which backend it tries. */
export const BACKEND_TRIAL = 'backend-trial/'

const MAX_REMEMBERED = 50
/** A version that failed on this device is tried again after this time. */
export const REST_MS = 24 * 60 * 60 * 1000
/** What the app asked for by number stays on the device this long after it last did. */
const PINNED_FOR_MS = 30 * 24 * 60 * 60 * 1000
/** How exactly that is remembered. */
const PINNED_AGAIN_MS = 24 * 60 * 60 * 1000

/** The records of all models, one for each. A device that cannot write still remembers for the visit. */
export class ModelRecords {
  readonly #ports: Pick<Ports, 'state' | 'locks' | 'log'>
  readonly #unstored = new Map<string, ModelRecord>()

  constructor(ports: Pick<Ports, 'state' | 'locks' | 'log'>) {
    this.#ports = ports
  }

  /** One of another shape counts as none, which costs a self-test and no more. */
  async read(model: string): Promise<ModelRecord> {
    const unstored = this.#unstored.get(model)
    if (unstored) return unstored
    const value = await this.#ports.state.get(keyOf(model))
    if (value === undefined) return EMPTY_RECORD
    const record = understood(ModelRecordSchema, value)
    if (record) return record
    this.#ports.log('warn', `What is stored about "${model}" is unreadable and is learned anew.`)
    return EMPTY_RECORD
  }

  /** Changes a record as it is now, whatever other tabs wrote meanwhile; returns what it became. */
  update(model: string, change: (record: ModelRecord) => ModelRecord): Promise<ModelRecord> {
    return this.#ports.locks.hold(`record ${model}`, async () => {
      const before = await this.read(model)
      const next = change(before)
      if (next !== before) await this.#write(model, next)
      return next
    })
  }

  /** The models that this device has a stored record of. */
  async models(): Promise<readonly string[]> {
    const keys = await this.#ports.state.keys()
    const stored = keys.filter((key) => key.startsWith(ROOM)).map((key) => key.slice(ROOM.length))
    return [...new Set([...stored, ...this.#unstored.keys()])]
  }

  /** Takes back the trials that a page's life left open without having died: they give no strike. */
  async forgive(life: string): Promise<void> {
    await this.#forget(BACKEND_TRIAL + life)
    for (const model of await this.models()) {
      const { trial } = await this.read(model)
      if (trial?.life !== life) continue
      await this.update(model, (record) => {
        if (record.trial?.life !== life) return record
        const { trial: _forgiven, ...rest } = record
        return rest
      })
    }
  }

  async #forget(key: string): Promise<void> {
    try {
      if ((await this.#ports.state.get(key)) !== undefined)
        await this.#ports.state.write(new Map([[key, undefined]]))
    } catch (error) {
      if (!(error instanceof AfieldError)) throw error
      this.#ports.log('warn', 'That a backend was not to blame could not be stored.', error)
    }
  }

  async #write(model: string, record: ModelRecord): Promise<void> {
    try {
      await this.#ports.state.write(new Map([[keyOf(model), record]]))
      this.#unstored.delete(model)
    } catch (error) {
      if (!(error instanceof AfieldError)) throw error
      this.#ports.log('warn', 'What was learned about a version could not be stored.', error)
      this.#unstored.set(model, record)
    }
  }
}

/** The record after the golden vectors of a version passed. */
export function passed(record: ModelRecord, proven: VersionOnDevice, selfTestKey: string): ModelRecord {
  const { trial: _ended, ...rest } = record
  const { [proven.descriptor]: _forgiven, ...strikes } = record.strikes
  return {
    ...rest,
    strikes,
    failures: record.failures.filter((failure) => failure.descriptor !== proven.descriptor),
    selfTested: [...record.selfTested.filter((key) => key !== selfTestKey), selfTestKey].slice(
      -MAX_REMEMBERED,
    ),
  }
}

/** The record after a version became the one that serves. */
export function confirmed(record: ModelRecord, proven: VersionOnDevice): ModelRecord {
  const { current } = record
  if (current?.descriptor === proven.descriptor) return record
  const { wanted: _here, ...rest } = record
  return { ...rest, current: proven, ...(current ? { previous: current } : {}) }
}

/** The record when a version is about to be downloaded. */
export function sought(record: ModelRecord, wanted: VersionOnDevice): ModelRecord {
  return record.wanted?.descriptor === wanted.descriptor ? record : { ...record, wanted }
}

/** The record after the app asked for a version by number; the same one when it just did. */
export function pinned(record: ModelRecord, held: VersionOnDevice, now: number): ModelRecord {
  const before = record.pinned?.find(({ descriptor }) => descriptor === held.descriptor)
  if (before && Math.abs(now - before.at) < PINNED_AGAIN_MS) return record
  const others = pinnedAt(record, now).filter(({ descriptor }) => descriptor !== held.descriptor)
  return { ...record, pinned: [...others, { ...held, at: now }].slice(-MAX_REMEMBERED) }
}

/** The versions that the app asked for by number not too long ago. */
export function pinnedAt(record: ModelRecord, now: number): NonNullable<ModelRecord['pinned']> {
  return (record.pinned ?? []).filter(({ at }) => Math.abs(now - at) < PINNED_FOR_MS)
}

/** The record after a version, or without one all of them, left the device. What happened here is not forgotten. */
export function without(record: ModelRecord, descriptor?: Sha256): ModelRecord {
  const stays = (held: VersionOnDevice | undefined): boolean =>
    held !== undefined && descriptor !== undefined && held.descriptor !== descriptor
  const { current, previous, wanted, pinned, ...rest } = record
  return {
    ...rest,
    ...(stays(current) ? { current } : {}),
    ...(stays(previous) ? { previous } : {}),
    ...(stays(wanted) ? { wanted } : {}),
    ...(pinned ? { pinned: pinned.filter(stays) } : {}),
  }
}

/** The record after a version failed on this device. */
export function failed(record: ModelRecord, failure: Failure): ModelRecord {
  const { trial: _ended, ...rest } = record
  const others = record.failures.filter((one) => one.descriptor !== failure.descriptor)
  return { ...rest, failures: [...others, failure].slice(-MAX_REMEMBERED) }
}

/** Versions of this index that failed here, byte for byte the same, and whose time of rest is not over. */
export function failedHere(
  record: ModelRecord,
  index: ModelIndex | undefined,
  now: number,
): ReadonlyMap<Version, Failure> {
  const resting = record.failures.filter(
    ({ version, descriptor, until }) =>
      rests(until, now) && index?.versions[version]?.descriptor.sha256 === descriptor,
  )
  return new Map(resting.map((failure) => [failure.version, failure]))
}

/** Whether a rest goes on. One that is longer than any was given by a clock that ran ahead. */
export function rests(until: number, now: number): boolean {
  return until > now && until - now <= REST_MS
}

export function selfTestKey(
  descriptor: Sha256,
  backend: string,
  runtime: string,
  browserBuild: string,
): string {
  return [descriptor, backend, runtime, browserBuild].join(' ')
}

const ROOM = 'model/'

function keyOf(model: string): string {
  return ROOM + model
}
