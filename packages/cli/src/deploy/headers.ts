import { CONTENT_FOLDERS, TIMESTAMP_PATH } from '../repository/files/layout.js'

const YEAR_S = 31_536_000
const UNCHANGING = new RegExp(`^(${CONTENT_FOLDERS.join('|')})/|^metadata/\\d+\\.[^/]+\\.json$`)

/** How a host should serve a file of a repository. */
export interface FileHeaders {
  readonly cacheControl: string
  readonly contentType: string
}

/**
 * Files that are named by their hash or numbered never change, so every cache may keep them; the timestamp is asked
 * for anew each time. Chunks carry no encoding of HTTP's: devices unpack them themselves.
 */
export function headersFor(path: string): FileHeaders {
  const unchanging = path !== TIMESTAMP_PATH && UNCHANGING.test(path)
  return {
    cacheControl: unchanging ? `public, max-age=${YEAR_S}, immutable` : 'no-cache',
    contentType: path.endsWith('.json') ? 'application/json' : 'application/octet-stream',
  }
}
