import { parseRunnable, type ModelIndex, type Runnable, type Sha256, type Version } from '@afield/protocol'
import { pinnedAt, type ModelRecord, type ModelRecords } from './activation/record.js'
import { BACKEND, distinctChunks, sumOf } from './blobs/files.js'
import type { BlobStore } from './blobs/store.js'
import type { Manifest } from './manifest/client.js'
import type { Ports } from './ports.js'

/** `pinned`: the app asked for it by number within the last 30 days. Only `other` is ever deleted for room. */
export type StoredRole = 'current' | 'previous' | 'pinned' | 'other'

export interface StoredVersion {
  readonly version: Version
  /** Bytes that are on the device; fewer than `totalBytes` when its download was interrupted. */
  readonly bytes: number
  readonly totalBytes: number
  readonly role: StoredRole
}

export interface StoredModel {
  readonly model: string
  /** What its versions share is counted once. */
  readonly bytes: number
  readonly versions: readonly StoredVersion[]
}

/** What the device holds of models; `words/storage.ts` says it. */
export interface Stored {
  /** `memory`: the browser stores nothing, so it is all gone with the page. */
  readonly kind: 'indexeddb' | 'memory'
  /** Whether the browser promised to delete nothing by itself; see `persist()`. */
  readonly persisted: boolean
  /** What the browser says the whole site uses and may use; `undefined` where it does not say. */
  readonly usageBytes: number | undefined
  readonly quotaBytes: number | undefined
  readonly models: readonly StoredModel[]
  /** Bytes of all models and their descriptors; what versions share is counted once. */
  readonly bytes: number
}

interface ShelfOptions {
  readonly store: BlobStore
  readonly records: ModelRecords
}

/** The models on this device as a person sees them and how much they take. */
export class Shelf {
  readonly #ports: Ports
  readonly #options: ShelfOptions

  constructor(ports: Ports, options: ShelfOptions) {
    this.#ports = ports
    this.#options = options
  }

  async report(manifest: Manifest | undefined): Promise<Stored> {
    const { blobs, quota } = this.#ports
    const here = await this.#options.store.keys()
    const all = new Map<string, number>()
    const models: StoredModel[] = []
    for (const [model, { index }] of manifest?.models ?? []) {
      const own = new Map<string, number>()
      const versions = await this.#versions(model, index, here, own)
      if (versions.length > 0) models.push({ model, bytes: sumOf(own.values(), (size) => size), versions })
      for (const [hash, size] of own) all.set(hash, size)
    }
    const [estimate, persisted = false] = await Promise.all([quota?.estimate(), quota?.persisted()])
    return {
      kind: blobs.kind,
      persisted,
      usageBytes: estimate?.usageBytes,
      quotaBytes: estimate?.quotaBytes,
      models,
      bytes: sumOf(all.values(), (size) => size),
    }
  }

  async #versions(
    model: string,
    index: ModelIndex,
    here: ReadonlySet<string>,
    own: Map<string, number>,
  ): Promise<readonly StoredVersion[]> {
    const record = await this.#options.records.read(model)
    const versions: StoredVersion[] = []
    for (const [name, { descriptor: file }] of Object.entries(index.versions)) {
      const version = name as Version
      const stored = here.has(file.sha256) ? await this.#options.store.get(file.sha256) : undefined
      if (!stored) continue
      const chunks = [
        ...distinctChunks(wanted(parseRunnable(stored, { name: model, version }), here)).values(),
      ]
      const held = chunks.filter(({ sha256 }) => here.has(sha256))
      own.set(file.sha256, file.size)
      for (const { sha256, size } of held) own.set(sha256, size)
      if (held.length === 0) continue
      versions.push({
        version,
        bytes: sumOf(held, ({ size }) => size),
        totalBytes: sumOf(chunks, ({ size }) => size),
        role: roleOf(record, file.sha256, this.#ports.clock.now()),
      })
    }
    return versions
  }
}

/** What the device has all of, and what it would begin with; other variants are for other devices. */
function wanted({ artifacts }: Runnable, here: ReadonlySet<string>): Pick<Runnable, 'artifacts'> {
  const whole = artifacts.filter((one) =>
    [...distinctChunks({ artifacts: [one] }).keys()].every((hash) => here.has(hash)),
  )
  const usual = artifacts.filter(({ backends }) => backends.includes(BACKEND))
  return { artifacts: whole.some((one) => usual.includes(one)) ? whole : [...whole, ...usual.slice(0, 1)] }
}

function roleOf(record: ModelRecord, descriptor: Sha256, now: number): StoredRole {
  if (record.current?.descriptor === descriptor) return 'current'
  if (record.previous?.descriptor === descriptor) return 'previous'
  return pinnedAt(record, now).some((held) => held.descriptor === descriptor) ? 'pinned' : 'other'
}
