import {
  AfieldError,
  unrunnable,
  type Artifact,
  type Backend,
  type Runnable,
  type FunnelStep,
  type Release,
  type ErrorCode,
  type Sha256,
  type Version,
} from '@afield/protocol'
import { abortable, aborted, abortedWith } from '../../abort.js'
import type { Blobs, ModelFiles } from '../blobs/blobs.js'
import { BACKEND, artifactFor } from '../blobs/files.js'
import type { Source } from '../blobs/source.js'
import { decideDownload, type Deferral, type DownloadRules } from '../downloads.js'
import type { DownloadRequest, Gpu, Ports, Served } from '../ports.js'
import { pinned, sought, type ModelRecords } from './record.js'

/** A version as it came out of the store, whole and verified. */
export interface StoredVersion {
  readonly descriptor: Runnable
  /** The one of its artifacts that this device runs. */
  readonly artifact: Artifact
  readonly files: ModelFiles
}

/** What a version is to run on. */
export interface Backing {
  readonly backend: Backend
  readonly gpu?: Gpu | undefined
}

/** What is wrong with a version that is stored, and is found again when it is fetched. */
const SAID_LATER: readonly ErrorCode[] = ['chunk/size-mismatch', 'platform/unsupported']

export const WASM: Backing = { backend: BACKEND }

export type Fetched =
  | { readonly kind: 'here'; readonly stored: StoredVersion }
  /** There was news, so it must be asked again whether it is still wanted. */
  | { readonly kind: 'interrupted' }
  /** It asks for another onnxruntime than this one; nothing was downloaded. */
  | { readonly kind: 'unrunnable'; readonly error: AfieldError }
  | { readonly kind: 'deferred'; readonly bytes: number; readonly why: Deferral }

export interface FetcherOptions {
  readonly model: string
  readonly records: ModelRecords
  readonly rules: DownloadRules
  /** Where descriptors and chunks come from; absent where the policy is `offline`. */
  readonly repository: Source | undefined
  /** The app's own files: looked at first, and free. */
  readonly seed: Source | undefined
  readonly count: (served: Served, step: FunnelStep) => void
}

/** Gets versions onto the device, one tab at a time, and out of its store. */
export class Fetcher {
  readonly #ports: Ports
  readonly #blobs: Blobs
  readonly #options: FetcherOptions
  readonly #downloading = new Set<AbortController>()
  /** Asked about once in this page's life, unless the app asks for the version itself. */
  #answered: { readonly descriptor: Sha256; readonly deferral: Promise<Deferral | undefined> } | undefined
  #told: { readonly descriptor: Sha256; readonly bytes: number } | undefined

  constructor(ports: Ports, blobs: Blobs, options: FetcherOptions) {
    this.#ports = ports
    this.#blobs = blobs
    this.#options = options
  }

  /** The descriptor as it is stored. */
  describe(version: Version, release: Release): Promise<Runnable | undefined> {
    return this.#blobs.storedDescriptor(this.#options.model, version, release)
  }

  /** The version as it is stored; `undefined` when it is not here whole. */
  async stored(version: Version, release: Release, on = WASM): Promise<StoredVersion | undefined> {
    const descriptor = await this.#blobs.storedDescriptor(this.#options.model, version, release)
    if (!descriptor) return undefined
    try {
      const artifact = this.#artifact(descriptor, on)
      const files = await this.#blobs.read(descriptor, artifact)
      return files && { descriptor, artifact, files }
    } catch (error) {
      // Its download says so to whoever waits for it.
      if (error instanceof AfieldError && SAID_LATER.includes(error.code)) return undefined
      throw error
    }
  }

  /** @throws AfieldError `chunk/*`, `descriptor/invalid`, `download/*`, `storage/quota`, `aborted`. */
  async fetch(
    served: Served,
    release: Release,
    reason: DownloadRequest['reason'],
    signal: AbortSignal | undefined,
    on = WASM,
  ): Promise<Fetched> {
    const { controller, detach } = abortedWith(signal)
    this.#downloading.add(controller)
    if (on === WASM) this.#told = undefined
    const download = async (): Promise<Fetched> => {
      const once = (): Promise<Fetched | undefined> =>
        this.#download(served, release, reason, controller.signal, on)
      const fetched = (await once()) ?? (await once())
      if (fetched) return fetched
      throw new AfieldError(
        'chunk/unavailable',
        'What was downloaded could not be read back. Free some disk space and load it again.',
      )
    }
    try {
      return await this.#ports.locks.hold(`download ${served.model}`, download, controller.signal)
    } catch (error) {
      if (controller.signal.aborted && !signal?.aborted) return { kind: 'interrupted' }
      // A lock whose wait is given up rejects with the browser's own error.
      throw signal?.aborted && !(error instanceof AfieldError) ? aborted(error) : error
    } finally {
      this.#downloading.delete(controller)
      detach()
    }
  }

  /** Stops a download that runs; what it has stays. */
  interrupt(): void {
    for (const controller of this.#downloading) controller.abort()
  }

  /** The app itself asks: what it declined before, it is asked about again. */
  askAgain(): void {
    this.#answered = undefined
  }

  /** @returns `undefined` when the store gave back something else than it was given. */
  async #download(
    served: Served,
    release: Release,
    reason: DownloadRequest['reason'],
    signal: AbortSignal,
    on: Backing,
  ): Promise<Fetched | undefined> {
    const { model, version } = served
    const { repository } = this.#options
    const seed = await this.#seedOf(release, signal)
    const sources = [seed, repository].filter((source) => source !== undefined)
    const descriptor = await this.#blobs.descriptor(model, version, release, sources, signal)
    const foreign = unrunnable(descriptor.runtime)
    if (foreign) return { kind: 'unrunnable', error: foreign }
    let artifact: Artifact
    try {
      artifact = this.#artifact(descriptor, on)
    } catch (error) {
      if (!(error instanceof AfieldError)) throw error
      return { kind: 'unrunnable', error }
    }
    const missing = await this.#blobs.missing(artifact)
    const bytes = missing.wireBytes
    if (bytes > 0 && !seed) {
      const why = await abortable(this.#mayDownload(release, { model, version, bytes, reason }), signal)
      if (why) return { kind: 'deferred', bytes, why }
    }
    // Nobody takes from a version that serves, nor hears again how it comes.
    if (on === WASM) await this.#writeDown(served, release)
    // A sweep that began before that may have taken the descriptor; the next one will not.
    await this.#ports.locks.hold('evict', () => Promise.resolve(), signal)
    await this.#blobs.descriptor(model, version, release, sources, signal)
    await this.#blobs.download(missing, {
      sources,
      signal,
      onProgress: (loaded) => {
        if (on === WASM) this.#tell(served, release, loaded, missing.totalBytes)
      },
    })
    if (bytes > 0) this.#options.count(served, 'downloaded')
    const files = await this.#blobs.read(descriptor, artifact)
    if (files && bytes > 0) this.#options.count(served, 'verified')
    return files && { kind: 'here', stored: { descriptor, artifact, files } }
  }

  #artifact(descriptor: Runnable, { backend, gpu }: Backing): Artifact {
    return artifactFor(descriptor, backend, { memoryGiB: this.#ports.platform.memoryGiB, gpu })
  }

  /** Where the app's files hold this version, its chunks are looked for there first, and nowhere else in vain. */
  async #seedOf(release: Release, signal: AbortSignal): Promise<Source | undefined> {
    const { seed } = this.#options
    if (!seed) return undefined
    try {
      await seed.descriptor(release, signal)
      return seed
    } catch (error) {
      if (error instanceof AfieldError && error.code !== 'aborted') return undefined
      throw error
    }
  }

  async #mayDownload(release: Release, request: DownloadRequest): Promise<Deferral | undefined> {
    const descriptor = release.descriptor.sha256
    const { rules } = this.#options
    if (rules.downloads !== 'ask' || request.reason === 'load') {
      return decideDownload(this.#ports, rules, request)
    }
    if (this.#answered?.descriptor !== descriptor) {
      this.#answered = { descriptor, deferral: decideDownload(this.#ports, rules, request) }
    }
    try {
      return await this.#answered.deferral
    } catch (error) {
      this.#answered = undefined
      throw error
    }
  }

  /** So that nobody takes away what is on its way. */
  async #writeDown({ version, arm }: Served, release: Release): Promise<void> {
    const held = { version, descriptor: release.descriptor.sha256 }
    const now = this.#ports.clock.now()
    await this.#options.records.update(this.#options.model, (record) =>
      arm === 'pinned' ? pinned(record, held, now) : sought(record, held),
    )
  }

  /** Progress never goes back, also where a damaged chunk must come again. */
  #tell({ model, version }: Served, release: Release, loadedBytes: number, totalBytes: number): void {
    const descriptor = release.descriptor.sha256
    if (this.#told?.descriptor === descriptor && this.#told.bytes >= loadedBytes) return
    this.#told = { descriptor, bytes: loadedBytes }
    this.#ports.host.emit({ type: 'progress', model, version, loadedBytes, totalBytes })
  }
}
