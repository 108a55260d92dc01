import { AfieldError, type ErrorCode } from '@afield/protocol'
import { aborted, abortedWith } from '../abort.js'
import type { Ports } from './ports.js'

/** What files of a kind are waited for, and what is said when they do not come. */
export interface Terms {
  /** The code for an unreachable host, an HTTP error or a broken connection. */
  readonly unavailable: ErrorCode
  /** The code for more bytes than a file may have. */
  readonly tooLarge: ErrorCode
  /** Given up after this time in all. */
  readonly timeoutMs?: number
  /** Given up when fewer than {@link FLOOR_BYTES} more came within this time, and not the end either. */
  readonly stallTimeoutMs?: number
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

/** A byte now and then is no life: a host that drips would hold up every tab. */
const FLOOR_BYTES = 16 * 1024

/**
 * Fetches a file of bounded size.
 *
 * @returns its bytes, or `undefined` when the host answers 404 or 403 (which object stores say for absent files).
 * @throws AfieldError with the given codes, or `aborted`.
 */
export async function fetchBytes(
  { fetch, clock }: Pick<Ports, 'fetch' | 'clock'>,
  folder: string,
  options: Terms & FileRequest,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const { file, signal } = options
  const { controller, detach } = abortedWith(signal)
  const giveUp = (why: string) => () => controller.abort(new Error(why))
  const stopTotal = options.timeoutMs
    ? clock.after(options.timeoutMs, giveUp(`nothing whole came within ${options.timeoutMs / 1000} s`))
    : undefined
  const stall = options.stallTimeoutMs
  let since = 0
  const startStall = (): (() => void) | undefined => {
    since = 0
    return stall ? clock.after(stall, () => giveUp(tooSlow(since, stall))()) : undefined
  }
  let stopStall = startStall()
  const came = (bytes: number): void => {
    since += bytes
    if (since < FLOOR_BYTES) return
    stopStall?.()
    stopStall = startStall()
  }
  try {
    const response = await fetch(folder + options.path, {
      signal: controller.signal,
      cache: options.cache,
      credentials: 'omit',
      redirect: 'follow',
    })
    if (response.status === 404 || response.status === 403) {
      await response.body?.cancel()
      return undefined
    }
    if (!response.ok) {
      await response.body?.cancel()
      throw new AfieldError(
        options.unavailable,
        `The repository answered ${response.status} for ${file}. It is tried again at the next check.`,
        { details: { file, status: response.status } },
      )
    }
    return await readBounded(response, options, came)
  } catch (cause) {
    if (cause instanceof AfieldError) throw cause
    if (signal?.aborted) throw aborted(cause)
    throw new AfieldError(
      options.unavailable,
      `${file} could not be fetched: the device is offline, the connection broke, or the repository is unreachable or ` +
        'does not allow this origin (CORS). It is tried again at the next check.',
      { cause, details: { file } },
    )
  } finally {
    stopTotal?.()
    stopStall?.()
    detach()
  }
}

function tooSlow(bytes: number, ms: number): string {
  const came = bytes === 0 ? 'no byte' : `only ${bytes} bytes`
  return `${came} came for ${ms / 1000} s`
}

async function readBounded(
  response: Response,
  options: Terms & FileRequest,
  came: (bytes: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const { maxBytes, file } = options
  const parts: Uint8Array[] = []
  let length = 0
  if (!response.body) return joinBytes(parts, length)
  const reader = response.body.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    came(value.length)
    length += value.length
    if (length > maxBytes) {
      await reader.cancel()
      throw new AfieldError(
        options.tooLarge,
        `${file} is larger than the ${maxBytes} bytes it may have: something else answers under its name. ` +
          'It is tried again at the next check.',
        { details: { file, maxBytes } },
      )
    }
    parts.push(value)
  }
  return joinBytes(parts, length)
}

function joinBytes(parts: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
