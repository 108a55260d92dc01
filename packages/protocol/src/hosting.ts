const YEAR_S = 31_536_000
/** What is named by its hash, and numbered metadata (TUF's consistent snapshots). */
const UNCHANGING = /^(targets|descriptors|chunks)\/|^metadata\/\d+\.[^/]+\.json$/

/** How a host should serve a file of a repository. */
export interface FileHeaders {
  readonly cacheControl: string
  readonly contentType: string
}

/**
 * Files that are named by their hash or numbered never change, so every cache may keep them; the timestamp is asked
 * for anew each time. Chunks carry no encoding of HTTP's: devices unpack them themselves.
 *
 * @param path inside the repository, such as `metadata/timestamp.json`
 */
export function headersFor(path: string): FileHeaders {
  return {
    cacheControl: UNCHANGING.test(path) ? `public, max-age=${YEAR_S}, immutable` : 'no-cache',
    contentType: path.endsWith('.json') ? 'application/json' : 'application/octet-stream',
  }
}
