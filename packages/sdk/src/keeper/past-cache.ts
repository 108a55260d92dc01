import { AfieldError, type ErrorCode } from '@afield/protocol'
import type { Logger } from './ports.js'

/** What a download may be refused for that another copy of it could put right. */
const DAMAGE: readonly ErrorCode[] = [
  'chunk/hash-mismatch',
  'chunk/size-mismatch',
  'descriptor/invalid',
  'manifest/hash-mismatch',
  'manifest/invalid',
  'manifest/signature',
  'manifest/too-large',
]

/**
 * Fetches and verifies; when what came is damaged, does so once more and passes the HTTP cache by. The cache may hold
 * what a broken host once sent under this name, and would go on answering with it for as long as it was told to.
 */
export async function pastDamagedCache<T>(
  cache: RequestCache,
  log: Logger,
  fetchVerified: (cache: RequestCache) => Promise<T>,
): Promise<T> {
  try {
    return await fetchVerified(cache)
  } catch (error) {
    if (!(error instanceof AfieldError) || !DAMAGE.includes(error.code)) throw error
    log('debug', 'A download was damaged and is tried again, past the HTTP cache.', error)
    return fetchVerified('reload')
  }
}
