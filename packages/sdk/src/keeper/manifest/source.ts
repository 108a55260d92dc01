import { AfieldError } from '@afield/protocol'
import { fetchBytes } from '../fetch-bytes.js'
import { pastDamagedCache } from '../past-cache.js'
import type { Ports } from '../ports.js'
import { LIMITS } from './limits.js'

type Bytes = Uint8Array<ArrayBuffer>

export interface FileRequest {
  /** Relative to the source's URL. */
  readonly path: string
  /** Named in messages. */
  readonly file: string
  readonly maxBytes: number
  readonly cache: RequestCache
}

/** A folder of a repository, as something that answers requests for files, some of them wrongly. */
export class RepositorySource {
  readonly #ports: Pick<Ports, 'fetch' | 'clock' | 'log'>
  readonly #baseUrl: string
  readonly #signal: AbortSignal | undefined

  constructor(ports: Pick<Ports, 'fetch' | 'clock' | 'log'>, baseUrl: string, signal?: AbortSignal) {
    this.#ports = ports
    this.#baseUrl = baseUrl.endsWith('/') ? baseUrl : `${baseUrl}/`
    this.#signal = signal
  }

  /** Fetches a file; `undefined` where there is none. */
  fetch({ path, file, maxBytes, cache }: FileRequest): Promise<Bytes | undefined> {
    return fetchBytes({
      fetch: this.#ports.fetch,
      clock: this.#ports.clock,
      url: this.#baseUrl + path,
      file,
      maxBytes,
      unavailable: 'manifest/unavailable',
      tooLarge: 'manifest/too-large',
      timeoutMs: LIMITS.metadataTimeoutMs,
      cache,
      signal: this.#signal,
    })
  }

  /**
   * Fetches a file that must be there, and has it verified.
   *
   * @throws AfieldError `manifest/unavailable`, `manifest/too-large`, `aborted`, or what `verify` throws.
   */
  async verified(request: FileRequest, verify: (bytes: Bytes) => Promise<unknown>): Promise<Bytes> {
    return pastDamagedCache(request.cache, this.#ports.log, async (cache) => {
      const bytes = await this.fetch({ ...request, cache })
      if (!bytes) throw absent(request.file)
      await verify(bytes)
      return bytes
    })
  }
}

export function absent(file: string): AfieldError {
  return new AfieldError(
    'manifest/unavailable',
    `${file} is not in the repository. Check the repository's URL, and that its last deploy finished.`,
    { details: { file } },
  )
}
