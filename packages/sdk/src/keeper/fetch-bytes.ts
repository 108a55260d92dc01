import { AfieldError, type ErrorCode } from '@afield/protocol'
import { aborted, abortedWith } from '../abort.js'
import type { Ports } from './ports.js'
import { readAtMost } from './read-at-most.js'

/** What files of a kind are waited for, and what is said when they do not come. */
export interface Terms {
  /** The code for an unreachable host, an HTTP error or a broken connection. */
  readonly unavailable: ErrorCode
  /** The code for more bytes than a file may have. */
  readonly tooLarge: ErrorCode
  /** Given up when neither so many bytes came within {@link withinMs}, nor the end; the clock then starts anew. */
  readonly floorBytes: number
  readonly withinMs: number
  readonly signal?: AbortSignal | undefined
}

export interface FileRequest {
  /** Relative to its folder. */
  readonly path: string
  /** Named in messages. */
  readonly file: string
  /** More bytes than this are never held in memory. */
  readonly maxBytes: number
  /** How the HTTP cache may take part. */
  readonly cache: RequestCache
  readonly signal?: AbortSignal | undefined
}

/**
 * Fetches a file of bounded size.
 *
 * @returns its bytes, or `undefined` when the host answers 404 or 403 (which object stores say for absent files).
 * @throws AfieldError with the given codes, or `aborted`.
 */
export async function fetchBytes(
  { fetch, clock }: Pick<Ports, 'fetch' | 'clock'>,
  folder: string,
  { path, file, cache, maxBytes, floorBytes, withinMs, unavailable, tooLarge, signal }: Terms & FileRequest,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const { controller, detach } = abortedWith(signal)
  let came = 0
  const watch = (): (() => void) => {
    came = 0
    return clock.after(withinMs, () =>
      controller.abort(new Error(`only ${came} bytes came within ${withinMs / 1000} s`)),
    )
  }
  let unwatch = watch()
  const onBytes = (bytes: number): void => {
    came += bytes
    if (came < floorBytes) return
    unwatch()
    unwatch = watch()
  }
  try {
    const response = await fetch(folder + path, {
      signal: controller.signal,
      cache,
      credentials: 'omit',
      redirect: 'follow',
    })
    const { ok, status, body } = response
    if (!ok) {
      await body?.cancel()
      if (status === 404 || status === 403) return undefined
      throw new AfieldError(
        unavailable,
        `The repository answered ${status} for ${file}. It is tried again at the next check.`,
        { details: { file, status } },
      )
    }
    const bytes = body ? await readAtMost(body, maxBytes, onBytes) : new Uint8Array()
    if (bytes) return bytes
    throw new AfieldError(
      tooLarge,
      `${file} is larger than the ${maxBytes} bytes it may have: something else answers under its name. It is tried ` +
        'again at the next check.',
      { details: { file, maxBytes } },
    )
  } catch (cause) {
    if (cause instanceof AfieldError) throw cause
    if (signal?.aborted) throw aborted(cause)
    throw new AfieldError(
      unavailable,
      `${file} could not be fetched: the device is offline, the repository is unreachable or does not allow this ` +
        'origin (CORS), or the connection broke. It is tried again at the next check.',
      { cause, details: { file } },
    )
  } finally {
    unwatch()
    detach()
  }
}
