import {
  AfieldError,
  notAsSigned,
  parseRunnable,
  type Artifact,
  type ArtifactFile,
  type Assets,
  type Chunk,
  type Runnable,
  type Release,
  type Sha256,
  type Version,
} from '@afield/protocol'
import { reach, type ExternalData, type Ports } from '../ports.js'
import type { Evictor } from './evict.js'
import { distinctChunks, sumOf, wireBytes } from './files.js'
import { inParallel } from './in-parallel.js'
import { IN_MEMORY, findRoom } from './room.js'
import type { Source } from './source.js'
import type { BlobStore } from './store.js'

/** Chunks that are fetched at a time, each of at most 4 MiB, twice while it is unpacked. */
const DOWNLOADS = 4
/** Chunks that are read and hashed at a time. */
const READS = 8

type Bytes = Uint8Array<ArrayBuffer>

/** What of a version is not on the device yet. */
export interface Missing {
  readonly chunks: readonly Chunk[]
  /** Bytes over the network. */
  readonly wireBytes: number
  /** Bytes of the version that are here already, and of all of it. */
  readonly storedBytes: number
  readonly totalBytes: number
}

export interface DownloadOptions {
  /** Where to look, in this order. */
  readonly sources: readonly Source[]
  readonly signal?: AbortSignal | undefined
  /** @param loadedBytes of the version that are on the device, those that were here before included. */
  readonly onProgress: (loadedBytes: number) => void
}

/** The files of an artifact that a session needs. */
export interface ModelFiles {
  readonly bytes: Bytes
  readonly externalData: readonly ExternalData[]
  readonly assets: Assets
}

/** The versions on this device: fetched chunk by chunk, each verified when it arrives and again when it is read. */
export class Blobs {
  readonly #ports: Ports
  readonly #store: BlobStore
  readonly #evictor: Evictor

  constructor(ports: Ports, store: BlobStore, evictor: Evictor) {
    this.#ports = ports
    this.#store = store
    this.#evictor = evictor
  }

  /** The stored descriptor of a release; `undefined` when it is not here or no longer what was signed. */
  async storedDescriptor(name: string, version: Version, release: Release): Promise<Runnable | undefined> {
    const bytes = await this.#store.get(release.descriptor.sha256)
    return bytes ? parseRunnable(bytes, { name, version }) : undefined
  }

  /** The descriptor of a release, fetched where it is not stored. */
  async descriptor(
    name: string,
    version: Version,
    release: Release,
    sources: readonly Source[],
    signal?: AbortSignal,
  ): Promise<Runnable> {
    const stored = await this.storedDescriptor(name, version, release)
    if (stored) return stored
    const bytes = await fromFirst(sources, (source) => source.descriptor(release, signal))
    const descriptor = parseRunnable(bytes, { name, version })
    await this.#keep(release.descriptor.sha256, bytes)
    return descriptor
  }

  /** The files beside a model that its contract names, as far as they are here. */
  async assets({ artifacts, contract }: Runnable): Promise<Assets> {
    const assets: Record<string, Bytes> = {}
    for (const file of artifacts.flatMap(({ files }) => files)) {
      if (file.role !== 'asset' || Object.hasOwn(assets, file.path) || !namesAsset(contract, file.path))
        continue
      const data = await this.#join(file)
      if (data) assets[file.path] = data
    }
    return assets
  }

  async missing(artifact: Artifact): Promise<Missing> {
    const all = [...distinctChunks({ artifacts: [artifact] }).values()]
    const here = await this.#store.keys()
    const chunks = all.filter((chunk) => !here.has(chunk.sha256))
    const totalBytes = sumOf(all, ({ size }) => size)
    const storedBytes = totalBytes - sumOf(chunks, ({ size }) => size)
    return { chunks, wireBytes: sumOf(chunks, wireBytes), storedBytes, totalBytes }
  }

  /** Fetches what is missing, a few chunks at a time. An interruption loses only those that are under way. */
  async download(missing: Missing, { sources, signal, onProgress }: DownloadOptions): Promise<void> {
    const { chunks, storedBytes, totalBytes } = missing
    let loaded = storedBytes
    if (loaded > 0) onProgress(loaded)
    if (chunks.length === 0) return
    const room = await findRoom(this.#ports, totalBytes - storedBytes, this.#evictor)
    await reach(this.#ports, 'download/started')
    await inParallel(chunks, DOWNLOADS, async (chunk) => {
      const bytes = await fromFirst(sources, (source) => source.chunk(chunk, signal))
      await reach(this.#ports, 'download/chunk-verified')
      if (room === 'memory') this.#store.keepInMemory(chunk.sha256, bytes)
      else await this.#keep(chunk.sha256, bytes)
      loaded += chunk.size
      onProgress(loaded)
      await reach(this.#ports, 'download/chunk-stored')
    })
    await reach(this.#ports, 'download/complete')
  }

  /**
   * What a session needs of a version, joined from stored chunks, each hashed as it is read.
   *
   * @returns `undefined` when a chunk is missing or damaged; a damaged one is deleted so that it is fetched anew.
   * @throws AfieldError `chunk/size-mismatch` when the descriptor gives a chunk another size than it has.
   */
  async read({ contract }: Runnable, artifact: Artifact): Promise<ModelFiles | undefined> {
    if (!(await this.#hasAssets(artifact))) return undefined
    let bytes: Bytes | undefined
    const externalData: ExternalData[] = []
    const assets: Record<string, Bytes> = {}
    for (const file of artifact.files) {
      if (file.role === 'asset' && !namesAsset(contract, file.path)) continue
      const data = await this.#join(file)
      if (!data) return undefined
      if (file.role === 'model') bytes = data
      else if (file.role === 'asset') assets[file.path] = data
      else externalData.push({ path: file.path, data })
    }
    return bytes && { bytes, externalData, assets }
  }

  /** Those that no session reads are the app's to fetch, but without them the version is not whole. */
  async #hasAssets({ files }: Artifact): Promise<boolean> {
    const assets = files.filter(({ role }) => role === 'asset')
    if (assets.length === 0) return true
    const here = await this.#store.keys()
    return assets.every(({ chunks }) => chunks.every(({ sha256 }) => here.has(sha256)))
  }

  async #join({ size, chunks }: ArtifactFile): Promise<Bytes | undefined> {
    const [first] = chunks
    if (first && chunks.length === 1) return this.#chunk(first)
    const whole = new Uint8Array(size)
    let end = 0
    const places = chunks.map((chunk) => ({ chunk, at: (end += chunk.size) - chunk.size }))
    let complete = true
    await inParallel(places, READS, async ({ chunk, at }) => {
      const bytes = await this.#chunk(chunk)
      if (bytes) whole.set(bytes, at)
      else complete = false
    })
    return complete ? whole : undefined
  }

  async #chunk({ sha256: hash, size }: Chunk): Promise<Bytes | undefined> {
    const bytes = await this.#store.get(hash)
    if (bytes && bytes.length !== size) throw notAsSigned('chunk/size-mismatch', 'a chunk', bytes.length)
    return bytes
  }

  /** Stores bytes; where there is no room for them even after making some, they serve this visit from memory. */
  async #keep(hash: Sha256, bytes: Bytes): Promise<void> {
    let error: AfieldError | undefined
    const stores = async (): Promise<boolean> => {
      try {
        await this.#store.put(hash, bytes)
        return true
      } catch (cause) {
        if (!(cause instanceof AfieldError)) throw cause
        error = cause
        return false
      }
    }
    if (await stores()) return
    if (error?.code === 'storage/quota' && (await this.#evictor.makeRoom(stores))) return
    this.#ports.log('warn', IN_MEMORY, error)
    this.#store.keepInMemory(hash, bytes)
  }
}

/** Whether a session needs an asset: its contract says so by the asset's path. */
function namesAsset(contract: unknown, path: string): boolean {
  const { input } = contract as { readonly input?: object }
  return Object.values(input ?? {}).includes(path)
}

/** What the first source gives that can; the error of the last one when none can. */
async function fromFirst<T>(sources: readonly Source[], ask: (source: Source) => Promise<T>): Promise<T> {
  let failure: unknown
  for (const source of sources) {
    try {
      return await ask(source)
    } catch (error) {
      if (!(error instanceof AfieldError) || error.code === 'aborted') throw error
      failure = error
    }
  }
  throw failure ?? new AfieldError('chunk/unavailable', 'The policy is "offline", so nothing is fetched.')
}
