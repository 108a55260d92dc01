import { AfieldError, asAfieldError, notAsSigned, sha256, type Sha256 } from '@afield/protocol'
import type { Ports } from '../ports.js'
import { sumOf } from './files.js'

/** More than this is not kept in memory in place of storage. */
export const MAX_IN_MEMORY_BYTES = 512 * 1024 * 1024

type Bytes = Uint8Array<ArrayBuffer>

/**
 * Bytes under their SHA-256. Nothing leaves it without its hash being computed. What the browser has no room for lives
 * in memory for the visit.
 */
export class BlobStore {
  readonly #ports: Pick<Ports, 'blobs' | 'log'>
  readonly #inMemory = new Map<Sha256, Bytes>()
  /** Came back from the store as something else. Fetched anew, they are kept in memory too, lest it happen again. */
  readonly #damaged = new Set<Sha256>()

  constructor(ports: Pick<Ports, 'blobs' | 'log'>) {
    this.#ports = ports
  }

  /** Everything that is here and was not found damaged. */
  async keys(): Promise<ReadonlySet<string>> {
    const stored = await this.#ports.blobs.keys()
    const damaged: ReadonlySet<string> = this.#damaged
    return new Set([...stored.filter((key) => !damaged.has(key)), ...this.#inMemory.keys()])
  }

  /** `undefined` when it is not here or damaged; what is damaged is deleted. */
  async get(hash: Sha256): Promise<Bytes | undefined> {
    const inMemory = this.#inMemory.get(hash)
    // The engine takes the bytes away, so what is kept only in memory is copied.
    if (inMemory) return inMemory.slice()
    const value = await this.#readable(hash)
    if (value === undefined) return undefined
    const bytes = value instanceof Uint8Array ? (value as Bytes) : undefined
    if (bytes && (await sha256(bytes)) === hash)
      return this.#ports.blobs.kind === 'memory' ? bytes.slice() : bytes
    const error = notAsSigned('chunk/hash-mismatch', 'a stored chunk', bytes?.length ?? 0)
    this.#ports.log('warn', 'A stored chunk is damaged and is fetched anew.', error)
    this.#damaged.add(hash)
    try {
      await this.#ports.blobs.write(new Map([[hash, undefined]]))
    } catch (error) {
      if (!(error instanceof AfieldError)) throw error
      this.#ports.log('warn', 'A damaged chunk could not be deleted; it is passed by.', error)
    }
    return undefined
  }

  /** A value that the browser cannot read, as Chrome does lose a large one, counts as damaged and not as none. */
  async #readable(hash: Sha256): Promise<unknown> {
    try {
      return await this.#ports.blobs.get(hash)
    } catch (error) {
      this.#ports.log(
        'debug',
        'A stored chunk could not be read.',
        asAfieldError(error, 'storage/unavailable', 'Reading failed'),
      )
      return null
    }
  }

  /** @throws AfieldError `storage/*`; see {@link keepInMemory}. */
  async put(hash: Sha256, bytes: Bytes): Promise<void> {
    if (this.#damaged.has(hash)) this.#inMemory.set(hash, bytes)
    await this.#ports.blobs.write(new Map([[hash, bytes]]))
  }

  /** @throws AfieldError `storage/quota` where that would be unreasonably much. */
  keepInMemory(hash: Sha256, bytes: Bytes): void {
    if (sumOf(this.#inMemory.values(), ({ length }) => length) + bytes.length > MAX_IN_MEMORY_BYTES) {
      throw new AfieldError('storage/quota', NO_ROOM)
    }
    this.#inMemory.set(hash, bytes)
  }

  async delete(hashes: readonly string[]): Promise<void> {
    if (hashes.length === 0) return
    for (const hash of hashes) this.#inMemory.delete(hash as Sha256)
    await this.#ports.blobs.write(new Map(hashes.map((hash) => [hash, undefined])))
  }
}

export const NO_ROOM =
  'The browser has no room for this model, and it is too large to keep in memory for a visit. Free some disk space, ' +
  'remove models with `remove()`, or publish a smaller one; what served before still does.'
