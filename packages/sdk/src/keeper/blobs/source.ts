import { MAX_DESCRIPTOR_BYTES, notAsSigned, sha256, type Chunk, type Release } from '@afield/protocol'
import type { Terms } from '../fetch-bytes.js'
import { Folder } from '../folder.js'
import { LIMITS } from '../manifest/limits.js'
import type { Ports } from '../ports.js'
import { wireBytes } from './files.js'
import { inflate } from './inflate.js'

type Bytes = Uint8Array<ArrayBuffer>

const TERMS: Terms = {
  unavailable: 'chunk/unavailable',
  tooLarge: 'chunk/size-mismatch',
  // A byte now and then is no life: a host that drips would hold up every tab.
  floorBytes: 16 * 1024,
  withinMs: LIMITS.stallTimeoutMs,
}

/** The descriptors and chunks on a host: of a repository, or of the seed that an app ships. */
export class Source {
  readonly #folder: Folder
  readonly #onFetched: (bytes: number) => void

  /** @param onFetched is told of the bytes that came, of use or not. */
  constructor(
    ports: Pick<Ports, 'fetch' | 'clock' | 'log'>,
    url: string,
    onFetched: (bytes: number) => void = () => undefined,
  ) {
    this.#onFetched = onFetched
    this.#folder = new Folder(ports, url, TERMS)
  }

  /** @throws AfieldError `chunk/*`, `aborted`. */
  descriptor({ descriptor: { sha256: hash, size } }: Release, signal?: AbortSignal): Promise<Bytes> {
    const path = `descriptors/${hash}.json`
    return this.#verified(path, hash, size, Math.min(size, MAX_DESCRIPTOR_BYTES), signal)
  }

  /** @throws AfieldError `chunk/*`, `aborted`. */
  chunk(chunk: Chunk, signal?: AbortSignal): Promise<Bytes> {
    const path = `chunks/${chunk.sha256.slice(0, 2)}/${chunk.sha256}`
    return this.#verified(path, chunk.sha256, chunk.size, wireBytes(chunk), signal, chunk.encoding)
  }

  #verified(
    path: string,
    hash: string,
    size: number,
    maxBytes: number,
    signal: AbortSignal | undefined,
    encoding?: Chunk['encoding'],
  ): Promise<Bytes> {
    const request = { path, file: path, maxBytes, cache: 'default', signal } as const
    return this.#folder.verified(request, async (wire) => {
      this.#onFetched(wire.length)
      if (wire.length !== (encoding ? maxBytes : size)) {
        throw notAsSigned('chunk/size-mismatch', path, wire.length)
      }
      const bytes = encoding ? await inflate(wire, size, path) : wire
      if ((await sha256(bytes)) !== hash) throw notAsSigned('chunk/hash-mismatch', path, wire.length)
      return bytes
    })
  }
}
