import { readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { AfieldError } from '@afield/protocol'
import { isMissing } from '../read-file.js'
import { Transient, withRetries, type RetryOptions } from '../transfer/retry.js'

/** Where a repository is read from. Nothing that comes from it is trusted yet. */
export interface RepositorySource {
  /** For messages. */
  readonly name: string
  /**
   * A file's bytes, or `undefined` when there is none.
   *
   * @throws AfieldError when it has more than `maxBytes` or cannot be had.
   */
  read(path: string, maxBytes: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer> | undefined>
}

/** A whole file must have come by then. */
const TIMEOUT_MS = 120_000

/** A repository by its address: an `http(s)` URL, or a folder. */
export function openSource(address: string, retry: RetryOptions = {}): RepositorySource {
  return /^https?:\/\//.test(address) ? httpSource(address, retry) : folderSource(address)
}

function folderSource(dir: string): RepositorySource {
  return {
    name: resolve(dir),
    read: async (path, maxBytes) => {
      const file = join(dir, ...path.split('/'))
      try {
        if ((await stat(file)).size > maxBytes) throw tooLarge(path, maxBytes)
        return new Uint8Array(await readFile(file))
      } catch (cause) {
        if (isMissing(cause)) return undefined
        if (cause instanceof AfieldError) throw cause
        throw unavailable(path, cause)
      }
    },
  }
}

function httpSource(url: string, retry: RetryOptions): RepositorySource {
  const root = url.endsWith('/') ? url : `${url}/`
  return {
    name: root,
    read: (path, maxBytes, signal) =>
      withRetries(() => request(new URL(path, root), path, maxBytes, signal), { ...retry, signal }).catch(
        (error: unknown) => {
          throw error instanceof Transient ? unavailable(path, error) : error
        },
      ),
  }
}

async function request(
  url: URL,
  path: string,
  maxBytes: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS)
  try {
    const response = await fetch(url, { signal: signal ? AbortSignal.any([signal, timeout]) : timeout })
    // Object stores say 403 for what is not there when listing is not allowed.
    if (response.status === 404 || response.status === 403) return undefined
    if (!response.ok) throw new Transient(`HTTP ${response.status}`)
    return await readLimited(response, path, maxBytes)
  } catch (error) {
    if (signal?.aborted || error instanceof AfieldError || error instanceof Transient) throw error
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    throw new Transient(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

/** Stops at the first byte too many, however many would follow. */
async function readLimited(
  response: Response,
  path: string,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of response.body ?? []) {
    size += part.length
    if (size > maxBytes) throw tooLarge(path, maxBytes)
    parts.push(part)
  }
  return new Uint8Array(Buffer.concat(parts))
}

function isContent(path: string): boolean {
  return path.startsWith('chunks/') || path.startsWith('descriptors/')
}

function tooLarge(path: string, maxBytes: number): AfieldError {
  return new AfieldError(
    isContent(path) ? 'chunk/size-mismatch' : 'manifest/too-large',
    `${path} has more than the ${maxBytes} bytes that it may have. It is not the file that was published.`,
    { details: { file: path, maxBytes } },
  )
}

function unavailable(path: string, cause: unknown): AfieldError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new AfieldError(
    isContent(path) ? 'chunk/unavailable' : 'manifest/unavailable',
    `${path} could not be read: ${reason}.`,
    { cause, details: { file: path } },
  )
}
