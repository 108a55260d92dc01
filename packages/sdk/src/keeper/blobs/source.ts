import {
  AfieldError,
  MAX_DESCRIPTOR_BYTES,
  sha256,
  type Chunk,
  type ErrorCode,
  type Release,
} from '@afield/protocol'
import { fetchBytes } from '../fetch-bytes.js'
import { LIMITS } from '../manifest/limits.js'
import { pastDamagedCache } from '../past-cache.js'
import type { Ports } from '../ports.js'
import { wireBytes } from './files.js'
import { inflate } from './inflate.js'

type Bytes = Uint8Array<ArrayBuffer>

/** A folder of descriptors and chunks on a host: a repository, or the seed that an app ships. Believes nothing. */
export class Source {
  readonly #ports: Pick<Ports, 'fetch' | 'clock' | 'log'>
  readonly #base: string

  constructor(ports: Pick<Ports, 'fetch' | 'clock' | 'log'>, base: string) {
    this.#ports = ports
    this.#base = base.endsWith('/') ? base : `${base}/`
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
    return pastDamagedCache('default', this.#ports.log, async (cache) => {
      const wire = await fetchBytes({
        fetch: this.#ports.fetch,
        clock: this.#ports.clock,
        url: this.#base + path,
        file: path,
        maxBytes,
        unavailable: 'chunk/unavailable',
        tooLarge: 'chunk/size-mismatch',
        stallTimeoutMs: LIMITS.stallTimeoutMs,
        cache,
        signal,
      })
      if (!wire) {
        throw new AfieldError(
          'chunk/unavailable',
          `${path} is not in the repository. Did its last deploy finish?`,
          { details: { file: path } },
        )
      }
      if (wire.length !== (encoding ? maxBytes : size))
        throw mismatch('chunk/size-mismatch', path, wire.length)
      const bytes = encoding ? await inflate(wire, size, path) : wire
      if ((await sha256(bytes)) !== hash) throw mismatch('chunk/hash-mismatch', path, wire.length)
      return bytes
    })
  }
}

export function mismatch(code: ErrorCode, file: string, bytes: number): AfieldError {
  return new AfieldError(
    code,
    `${file} is not what was signed (${bytes} bytes came): it was cut or changed on the way. Nothing of it is kept; ` +
      'it is fetched again at the next check.',
    { details: { file, bytes } },
  )
}
