import { AfieldError } from '@afield/protocol'
import { fetchBytes, type FileRequest, type Terms } from './fetch-bytes.js'
import { pastDamagedCache } from './past-cache.js'
import type { Ports } from './ports.js'

type Bytes = Uint8Array<ArrayBuffer>

/** A folder on a host, as something that answers requests for files, some of them wrongly. Believes nothing. */
export class Folder {
  readonly #ports: Pick<Ports, 'fetch' | 'clock' | 'log'>
  readonly #url: string
  readonly #terms: Terms

  constructor(ports: Pick<Ports, 'fetch' | 'clock' | 'log'>, url: string, terms: Terms) {
    this.#ports = ports
    this.#url = asFolder(url)
    this.#terms = terms
  }

  /** Fetches a file; `undefined` where there is none. */
  fetch(request: FileRequest): Promise<Bytes | undefined> {
    return fetchBytes(this.#ports, this.#url, { ...this.#terms, ...request })
  }

  /**
   * Fetches a file that must be there, and has it verified.
   *
   * @throws AfieldError with the codes of the terms, `aborted`, or what `verify` throws.
   */
  verified<T>(request: FileRequest, verify: (bytes: Bytes) => Promise<T>): Promise<T> {
    return pastDamagedCache(request.cache, this.#ports.log, async (cache) => {
      const bytes = await this.fetch({ ...request, cache })
      if (bytes) return verify(bytes)
      const { file } = request
      throw new AfieldError(
        this.#terms.unavailable,
        `${file} is not in the repository. Check the repository's URL, and that its last deploy finished.`,
        { details: { file } },
      )
    })
  }
}

export function asFolder(url: string): string {
  return url.endsWith('/') ? url : `${url}/`
}
