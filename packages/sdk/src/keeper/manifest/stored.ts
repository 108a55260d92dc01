import { AfieldError } from '@afield/protocol'
import * as v from 'valibot'
import type { Ports } from '../ports.js'
import { understood } from '../understood.js'

/** Bytes as they were accepted. They are verified again, from the bundled root, whenever they are read. */
const bytes = v.custom<Uint8Array<ArrayBuffer>>((value) => value instanceof Uint8Array, 'not bytes')

const trustEntries = {
  /** Roots after the bundled one, in the order of their versions. */
  roots: v.array(bytes),
  timestamp: v.optional(bytes),
  snapshot: v.optional(bytes),
  /** Targets files by role. */
  roles: v.record(v.string(), bytes),
}
const TrustRecordSchema = v.object(trustEntries)

/** The newest metadata that was accepted, file by file: what the next refresh starts from and may not fall behind. */
export type TrustRecord = v.InferOutput<typeof TrustRecordSchema>

/** Model indexes and rollouts by path, of the models this device uses. */
const documents = v.record(v.string(), bytes)

const StoredStateSchema = v.object({ ...trustEntries, documents })

/** Documents with the metadata that vouches for them. */
export type StoredState = v.InferOutput<typeof StoredStateSchema>

const StoredManifestSchema = v.object({
  ...trustEntries,
  documents,
  /** Older states, each with the models whose newer documents were refused: their last good ones. */
  kept: v.array(StoredStateSchema),
  /** When the repository last confirmed that this is its newest state, in ms since 1970. */
  checkedAt: v.number(),
  rootProbedAt: v.number(),
})

/** What a device serves from: one record, so that it changes as a whole. */
export type StoredManifest = v.InferOutput<typeof StoredManifestSchema>

export function notStored(file: string): AfieldError {
  return new AfieldError('manifest/unavailable', `${file} is not stored.`, { details: { file } })
}

const MANIFEST = 'manifest'
const PROGRESS = 'manifest-progress'

/**
 * The two records of a repository. `manifest` is complete and serves. `manifest-progress` exists only between a check
 * that accepted something and the completion of that check or a later one, which drops it in the same transaction.
 */
export class ManifestRecords {
  readonly #state: Ports['state']
  readonly #log: Ports['log']
  /** What was accepted and could not be stored still counts while this object lives. */
  #unstored: ReadonlyMap<string, unknown> = new Map()

  constructor({ state, log }: Pick<Ports, 'state' | 'log'>) {
    this.#state = state
    this.#log = log
  }

  async manifest(): Promise<StoredManifest | undefined> {
    return this.#read(MANIFEST, StoredManifestSchema)
  }

  async progress(): Promise<TrustRecord | undefined> {
    return this.#read(PROGRESS, TrustRecordSchema)
  }

  async saveProgress(progress: TrustRecord): Promise<void> {
    await this.#write(new Map<string, unknown>([[PROGRESS, progress]]))
  }

  async complete(manifest: StoredManifest): Promise<void> {
    await this.#write(
      new Map<string, unknown>([
        [MANIFEST, manifest],
        [PROGRESS, undefined],
      ]),
    )
  }

  async #read<const S extends v.GenericSchema>(
    key: string,
    schema: S,
  ): Promise<v.InferOutput<S> | undefined> {
    const value = this.#unstored.has(key) ? this.#unstored.get(key) : await this.#state.get(key)
    if (value === undefined) return undefined
    const stored = understood(schema, value)
    if (!stored) this.#log('warn', `The stored ${key} is unreadable and is fetched anew.`)
    return stored
  }

  /** A device that cannot write still follows the repository; its next visit starts anew. */
  async #write(changes: ReadonlyMap<string, unknown>): Promise<void> {
    const all = new Map([...this.#unstored, ...changes])
    try {
      await this.#state.write(all)
      this.#unstored = new Map()
    } catch (error) {
      if (!(error instanceof AfieldError)) throw error
      this.#log('warn', 'The manifest could not be stored; it is kept in memory for this visit.', error)
      this.#unstored = all
    }
  }
}
