import { AfieldError, type ErrorCode } from '@afield/protocol'
import { abortable } from '../../abort.js'
import { readAtMost } from '../../keeper/read-at-most.js'
import { invalid } from './tensors.js'

const MAX_BYTES = 16 * 1024 * 1024
/** No server is believed that says to come back later than this. */
const MAX_RETRY_AFTER_MS = 60 * 60 * 1000

export interface Posting {
  readonly url: string
  /** Asked anew for each attempt; absent where the app gave no hook. */
  readonly headers: (() => Promise<Readonly<Record<string, string>>>) | undefined
  /** Aborts with what the call then fails with. */
  readonly signal: AbortSignal
}

/**
 * Posts JSON and reads JSON.
 *
 * A redirect is not followed: what it leads to is a login page, or a place that the app did not name and that should not
 * see its inputs.
 *
 * @throws AfieldError `remote/unavailable`, with `details.retryAfterMs` where the server said when; `remote/unauthorised`,
 *   after other headers were asked for once; `remote/invalid`, with `details.status` where it is that.
 */
export async function postJson(body: unknown, posting: Posting): Promise<unknown> {
  const text = JSON.stringify(body)
  let response = await send(text, posting)
  if (refusesUs(response) && posting.headers) {
    await drop(response)
    response = await send(text, posting)
  }
  if (response.ok && isJson(response)) return parsed(await read(response, posting.signal))
  await drop(response)
  throw failure(response)
}

async function send(body: string, { url, headers, signal }: Posting): Promise<Response> {
  const request: RequestInit = {
    method: 'POST',
    body,
    headers: await headersOf(headers, signal),
    credentials: 'same-origin',
    referrerPolicy: 'no-referrer',
    redirect: 'manual',
    cache: 'no-store',
    signal,
  }
  try {
    return await fetch(url, request)
  } catch (cause) {
    throw unreachable(cause, signal)
  }
}

async function headersOf(hook: Posting['headers'], signal: AbortSignal): Promise<Headers> {
  const headers = new Headers({ accept: 'application/json' })
  for (const [name, value] of Object.entries(await ownHeaders(hook, signal))) setHeader(headers, name, value)
  headers.set('content-type', 'application/json')
  return headers
}

async function ownHeaders(hook: Posting['headers'], signal: AbortSignal): Promise<Record<string, string>> {
  try {
    return hook ? await abortable(hook(), signal) : {}
  } catch (cause) {
    if (signal.aborted) throw signal.reason
    throw new AfieldError('remote/unauthorised', 'fallback.remote.headers() gave no headers.', { cause })
  }
}

function setHeader(headers: Headers, name: string, value: string): void {
  try {
    headers.set(name, value)
  } catch {
    // What the browser says may quote the value, which is a secret.
    throw new AfieldError(
      'remote/unauthorised',
      'fallback.remote.headers() gave a name or a value that no header can have.',
    )
  }
}

async function read(response: Response, signal: AbortSignal): Promise<Uint8Array> {
  let bytes: Uint8Array | undefined
  try {
    bytes = response.body ? await readAtMost(response.body, MAX_BYTES) : new Uint8Array()
  } catch (cause) {
    throw unreachable(cause, signal)
  }
  if (bytes) return bytes
  throw invalid(`is larger than ${MAX_BYTES / 1024 / 1024} MiB`)
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    // What the parser says quotes the answer.
    throw invalid('is no JSON')
  }
}

function failure(response: Response): AfieldError {
  const { status, type } = response
  const details = { status }
  const fails = (code: ErrorCode, message: string, more = {}): AfieldError =>
    new AfieldError(code, message, { details: { ...details, ...more } })
  if (type === 'opaqueredirect') {
    return invalid('is a redirect, such as to a login page; give the URL that answers by itself')
  }
  if (refusesUs(response)) {
    const message = `The remote fallback refuses the credentials (${status}). See fallback.remote.headers.`
    return fails('remote/unauthorised', message)
  }
  if (status === 408 || status === 429 || status >= 500) {
    return fails(
      'remote/unavailable',
      `The remote fallback cannot answer now (${status}).`,
      retryAfter(response),
    )
  }
  if (status === 404) {
    return invalid('is the status 404: no such model or path (see fallback.remote.model)', details)
  }
  if (!response.ok) return invalid(`is the status ${status}`, details)
  return invalid(`is no JSON but ${response.headers.get('content-type') ?? 'of no type'}`, details)
}

function refusesUs({ status }: Response): boolean {
  return status === 401 || status === 403
}

function isJson({ headers }: Response): boolean {
  return /^application\/([\w.+-]+\+)?json\b/i.test(headers.get('content-type') ?? '')
}

function retryAfter({ headers }: Response): { readonly retryAfterMs?: number } {
  const said = headers.get('retry-after')?.trim()
  if (!said) return {}
  const ms = /^\d+$/.test(said) ? Number(said) * 1000 : Date.parse(said) - Date.now()
  return Number.isFinite(ms) ? { retryAfterMs: Math.min(Math.max(0, ms), MAX_RETRY_AFTER_MS) } : {}
}

function unreachable(cause: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason
  return new AfieldError(
    'remote/unavailable',
    'The remote fallback could not be reached: there is no network, or it does not allow this page to ask (CORS).',
    { cause },
  )
}

/** A body that nobody reads keeps its connection. */
async function drop(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined)
}
