import { AfieldError, parseRunnable, type Sha256, type Version } from '@afield/protocol'
import { pinnedAt, type ModelRecords, type VersionOnDevice } from '../activation/record.js'
import type { Manifest } from '../manifest/client.js'
import { reach, type Ports } from '../ports.js'
import { distinctChunks } from './files.js'
import type { BlobStore } from './store.js'

interface EvictorOptions {
  readonly records: ModelRecords
  readonly manifest: () => Manifest | undefined
  /** What this tab runs now. */
  readonly running: () => readonly (VersionOnDevice & { readonly model: string })[]
}

/** What belongs together: one version's own bytes, or, without a model, nobody's. */
interface Group {
  readonly model?: string
  readonly version?: Version
  readonly keys: readonly string[]
}

/**
 * Deletes what nobody needs. Never the version that serves, the one before it, those that the app asks for by number,
 * the one that is on its way, nor a chunk that any of these shares. One tab at a time.
 */
export class Evictor {
  readonly #ports: Ports
  readonly #store: BlobStore
  readonly #options: EvictorOptions

  constructor(ports: Ports, store: BlobStore, options: EvictorOptions) {
    this.#ports = ports
    this.#store = store
    this.#options = options
  }

  /** Deletes all that nobody needs. A failure is no reason to stop serving, so it is only logged. */
  async sweep(): Promise<void> {
    await this.makeRoom(() => Promise.resolve(false))
    await reach(this.#ports, 'evict/done')
  }

  /**
   * Deletes in order what belongs to no version, then versions, the oldest first, until there is enough room.
   *
   * @returns whether there is.
   */
  async makeRoom(enough: () => Promise<boolean>): Promise<boolean> {
    return this.#ports.locks.hold('evict', async () => {
      try {
        for (const { keys } of await this.#groups()) {
          await this.#store.delete(keys)
          if (await enough()) return true
        }
      } catch (error) {
        if (!(error instanceof AfieldError)) throw error
        this.#ports.log('warn', 'What is no longer needed could not be deleted.', error)
      }
      return false
    })
  }

  /**
   * Deletes a version of a model, or without one all of it, as far as nothing else needs the bytes.
   *
   * @throws AfieldError `storage/unavailable`.
   */
  async discard(model: string, version?: Version): Promise<void> {
    await this.#ports.locks.hold('evict', async () => {
      const groups = await this.#groups()
      const meant = groups.filter(
        (group) => group.model === model && (version === undefined || group.version === version),
      )
      const shared = new Set(groups.filter((group) => !meant.includes(group)).flatMap(({ keys }) => keys))
      const keys = meant.flatMap((group) => group.keys)
      await this.#store.delete(keys.filter((key) => !shared.has(key)))
    })
  }

  async #groups(): Promise<readonly Group[]> {
    const manifest = this.#options.manifest()
    if (!manifest) return []
    const { records } = this.#options
    const needed = new Set<string>()
    let certain = true
    const need = async (model: string, held: VersionOnDevice): Promise<void> => {
      const keys = await this.#keysOf(model, held)
      if (!keys) certain = false
      for (const key of keys ?? []) needed.add(key)
    }
    const now = this.#ports.clock.now()
    const models = new Set([...(await records.models()), ...manifest.models.keys()])
    for (const model of models) {
      const record = await records.read(model)
      const held = [record.current, record.previous, record.wanted, ...pinnedAt(record, now)]
      for (const version of held) if (version) await need(model, version)
    }
    for (const running of this.#options.running()) await need(running.model, running)

    const here = await this.#store.keys()
    const known = new Set(needed)
    const versions: (Group & { readonly created: string })[] = []
    for (const [model, { index }] of manifest.models) {
      for (const [name, { descriptor, created }] of Object.entries(index.versions)) {
        if (needed.has(descriptor.sha256) || !here.has(descriptor.sha256)) continue
        const version = name as Version
        const all = (await this.#keysOf(model, { version, descriptor: descriptor.sha256 })) ?? []
        for (const key of all) known.add(key)
        const keys = all.filter((key) => here.has(key) && !needed.has(key))
        versions.push({ model, version, created, keys })
      }
    }
    versions.sort((a, b) => a.created.localeCompare(b.created))
    if (!certain) return versions
    // Where a needed version cannot be read, a chunk that seems to be nobody's may be its.
    return [{ keys: [...here].filter((key) => !known.has(key)) }, ...versions]
  }

  /** A version's descriptor and chunks; `undefined` when its descriptor is not here. */
  async #keysOf(model: string, held: VersionOnDevice): Promise<readonly Sha256[] | undefined> {
    const bytes = await this.#store.get(held.descriptor)
    if (!bytes) return undefined
    const descriptor = parseRunnable(bytes, { name: model, version: held.version })
    return [held.descriptor, ...distinctChunks(descriptor).keys()]
  }
}
