import {
  AfieldError,
  MAX_DESCRIPTOR_BYTES,
  parseDescriptor,
  sha256,
  type Chunk,
  type Descriptor,
  type ErrorCode,
  type Release,
  type Sha256,
  type Version,
} from '@afield/protocol'
import { fetchBytes, joinBytes } from '../fetch-bytes.js'
import { LIMITS } from '../manifest/limits.js'
import { pastDamagedCache } from '../past-cache.js'
import type { Ports } from '../ports.js'

export interface DownloadOptions {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: (loadedBytes: number, totalBytes: number) => void
}

type Backend = Descriptor['artifacts'][number]['backends'][number]

export type StoredRole = 'current' | 'previous' | 'other'

/** The versions of a model that are on the device whole. */
export interface StoredVersions {
  readonly model: string
  readonly versions: readonly {
    readonly version: Version
    readonly bytes: number
    readonly role: StoredRole
  }[]
}

export interface ReleasesOfModel {
  readonly model: string
  readonly releases: readonly {
    readonly version: Version
    readonly release: Release
    readonly role: StoredRole
  }[]
}

/**
 * Content-addressed bytes: descriptors and chunks under their SHA-256. Nothing enters the store, and nothing
 * leaves it for an engine, without its hash being computed.
 */
export class Blobs {
  readonly #ports: Ports
  readonly #repository: string
  /** What the browser had no room to store still serves this visit. */
  readonly #unstored = new Map<Sha256, Uint8Array<ArrayBuffer>>()
  /** Came back from the store as something else. Fetched anew, they are kept in memory too, lest it happen again. */
  readonly #damaged = new Set<Sha256>()

  constructor(ports: Ports, repository: string) {
    this.#ports = ports
    this.#repository = repository.endsWith('/') ? repository : `${repository}/`
  }

  /** The stored descriptor of a release; `undefined` when it is not here or no longer what was signed. */
  async storedDescriptor(name: string, version: Version, release: Release): Promise<Descriptor | undefined> {
    const bytes = await this.#stored(release.descriptor.sha256)
    return bytes ? parseDescriptor(bytes, { name, version }) : undefined
  }

  /** The descriptor of a release, fetched where it is not stored. */
  async descriptor(
    name: string,
    version: Version,
    release: Release,
    signal?: AbortSignal,
  ): Promise<Descriptor> {
    const stored = await this.storedDescriptor(name, version, release)
    if (stored) return stored
    const { sha256: hash, size } = release.descriptor
    const path = `descriptors/${hash}.json`
    const bytes = await this.#fetchVerified(path, hash, size, Math.min(size, MAX_DESCRIPTOR_BYTES), signal)
    const descriptor = parseDescriptor(bytes, { name, version })
    await this.#store(hash, bytes)
    return descriptor
  }

  /**
   * Fetches the chunks that are not stored, one after the other, so that an interruption loses at most one.
   *
   * @returns how many bytes were fetched.
   */
  async download(
    descriptor: Descriptor,
    backend: Backend,
    { signal, onProgress }: DownloadOptions,
  ): Promise<number> {
    const chunks = chunksOf(descriptor, backend)
    const total = chunks.reduce((sum, chunk) => sum + chunk.size, 0)
    const held = new Set(await this.#ports.blobs.keys())
    let loaded = 0
    let fetched = 0
    for (const chunk of chunks) {
      const stored = held.has(chunk.sha256) && !this.#damaged.has(chunk.sha256)
      if (!stored && !this.#unstored.has(chunk.sha256)) {
        const path = `chunks/${chunk.sha256.slice(0, 2)}/${chunk.sha256}`
        await this.#store(
          chunk.sha256,
          await this.#fetchVerified(path, chunk.sha256, chunk.size, chunk.size, signal),
        )
        held.add(chunk.sha256)
        fetched += chunk.size
      }
      loaded += chunk.size
      onProgress?.(loaded, total)
    }
    return fetched
  }

  /**
   * The model file, joined from stored chunks, each hashed as it is read.
   *
   * @returns `undefined` when a chunk is missing or damaged; a damaged one is deleted so that it is fetched anew.
   */
  async read(descriptor: Descriptor, backend: Backend): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const chunks = chunksOf(descriptor, backend)
    const parts = await Promise.all(chunks.map((chunk) => this.#stored(chunk.sha256)))
    const whole = parts.filter((part) => part !== undefined)
    if (whole.length < parts.length) return undefined
    const [first] = whole
    if (first && whole.length === 1) return first
    return joinBytes(
      whole,
      whole.reduce((sum, part) => sum + part.length, 0),
    )
  }

  /** Bytes of each version that is on the device whole, and of all together. */
  async usage(
    models: readonly ReleasesOfModel[],
  ): Promise<{ readonly models: readonly StoredVersions[]; readonly bytes: number }> {
    const held = new Set<string>([...(await this.#ports.blobs.keys()), ...this.#unstored.keys()])
    const distinct = new Map<string, number>()
    const report = []
    for (const { model, releases } of models) {
      const versions = []
      for (const { version, release, role } of releases) {
        if (!held.has(release.descriptor.sha256)) continue
        const descriptor = await this.storedDescriptor(model, version, release)
        if (!descriptor) continue
        const chunks = chunksOf(descriptor)
        if (!chunks.every((chunk) => held.has(chunk.sha256))) continue
        distinct.set(release.descriptor.sha256, release.descriptor.size)
        for (const chunk of chunks) distinct.set(chunk.sha256, chunk.size)
        versions.push({ version, bytes: bytesOf(descriptor), role })
      }
      report.push({ model, versions })
    }
    return { models: report, bytes: [...distinct.values()].reduce((sum, size) => sum + size, 0) }
  }

  async #stored(hash: Sha256): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const unstored = this.#unstored.get(hash)
    // The engine takes the bytes away, so what is kept only in memory is copied.
    if (unstored) return unstored.slice()
    const value = await this.#ports.blobs.get(hash)
    if (value === undefined) return undefined
    const bytes = value instanceof Uint8Array ? (value as Uint8Array<ArrayBuffer>) : undefined
    if (bytes && (await sha256(bytes)) === hash)
      return this.#ports.blobs.kind === 'memory' ? bytes.slice() : bytes
    this.#ports.log(
      'warn',
      'A stored chunk is damaged and is fetched anew.',
      mismatch('chunk/hash-mismatch', 'a stored chunk', bytes?.length ?? 0),
    )
    this.#damaged.add(hash)
    try {
      await this.#ports.blobs.write(new Map([[hash, undefined]]))
    } catch (error) {
      if (!(error instanceof AfieldError)) throw error
      this.#ports.log('warn', 'A damaged chunk could not be deleted; it is passed by.', error)
    }
    return undefined
  }

  async #store(hash: Sha256, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.#damaged.has(hash)) this.#unstored.set(hash, bytes)
    try {
      await this.#ports.blobs.write(new Map([[hash, bytes]]))
    } catch (error) {
      if (!(error instanceof AfieldError)) throw error
      this.#ports.log('warn', 'The model is kept in memory for this visit, because storing it failed.', error)
      this.#unstored.set(hash, bytes)
    }
  }

  async #fetchVerified(
    path: string,
    hash: Sha256,
    size: number,
    maxBytes: number,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array<ArrayBuffer>> {
    return pastDamagedCache('default', this.#ports.log, async (cache) => {
      const bytes = await fetchBytes({
        fetch: this.#ports.fetch,
        clock: this.#ports.clock,
        url: this.#repository + path,
        file: path,
        maxBytes,
        unavailable: 'chunk/unavailable',
        tooLarge: 'chunk/size-mismatch',
        stallTimeoutMs: LIMITS.stallTimeoutMs,
        cache,
        signal,
      })
      if (!bytes) {
        throw new AfieldError(
          'chunk/unavailable',
          `${path} is not in the repository. Did its last deploy finish?`,
          {
            details: { file: path },
          },
        )
      }
      if (bytes.length !== size) throw mismatch('chunk/size-mismatch', path, bytes.length)
      if ((await sha256(bytes)) !== hash) throw mismatch('chunk/hash-mismatch', path, bytes.length)
      return bytes
    })
  }
}

/** Bytes of the model on the wire and in the store. */
export function bytesOf(descriptor: Descriptor, backend?: Backend): number {
  return chunksOf(descriptor, backend).reduce((sum, chunk) => sum + chunk.size, 0)
}

/** The chunks of the artifact that runs on a backend; without one, of all artifacts. */
function chunksOf(descriptor: Descriptor, backend?: Backend): readonly Chunk[] {
  const artifacts = backend
    ? descriptor.artifacts.filter((artifact) => artifact.backends.includes(backend)).slice(0, 1)
    : descriptor.artifacts
  if (artifacts.length === 0) {
    throw new AfieldError('descriptor/invalid', `This version has no file for the backend "${backend}".`)
  }
  return artifacts.flatMap(({ files }) => files.flatMap((file) => file.chunks))
}

function mismatch(code: ErrorCode, file: string, bytes: number): AfieldError {
  return new AfieldError(
    code,
    `${file} is not what was signed (${bytes} bytes came): it was cut or changed on the way. Nothing of it is kept; ` +
      'it is fetched again at the next check.',
    { details: { file, bytes } },
  )
}
