import { AfieldError, type ErrorCode } from '@afield/protocol'
import { abortable } from '../../abort.js'
import { readAtMost } from '../../keeper/read-at-most.js'
import { excerptOf } from './excerpt.js'
import { OTHER_URL, invalid } from './refusal.js'

const MAX_BYTES = 16 * 1024 * 1024
/** Of what says why the server refused; more is not read. */
const MAX_REFUSAL_BYTES = 64 * 1024
/** No server is believed that says to come back later than this. */
const MAX_RETRY_AFTER_MS = 60 * 60 * 1000

export interface Posting {
  readonly url: string
  /** Asked anew for each attempt; absent where the app gave no hook. */
  readonly headers: (() => Promise<Readonly<Record<string, string>>>) | undefined
  /** Aborts with what the call then fails with. */
  readonly signal: AbortSignal
}

/** What is posted: numbers in what a server says of it can be masked, texts cannot. */
export interface Posted {
  readonly id: string
  readonly inputs: readonly { readonly datatype: string }[]
}

/**
 * Posts JSON and reads JSON.
 *
 * A redirect is not followed: what it leads to is a login page, or a place that the app did not name and that should not
 * see its inputs.
 *
 * @throws AfieldError `remote/unavailable`, with `details.retryAfterMs` where the server said when; `remote/unauthorised`,
 *   after other headers were asked for once; `remote/invalid`, with `details.status` where it is that, and what the server
 *   says of it as `details.said`: see {@link excerptOf}.
 */
export async function postJson(body: Posted, posting: Posting): Promise<unknown> {
  const text = JSON.stringify(body)
  let response = await send(text, posting)
  if (refusesUs(response) && posting.headers) {
    await drop(response)
    response = await send(text, posting)
  }
  if (response.ok && isJson(response)) return parsed(await read(response, posting.signal))
  throw failure(response, await saidBy(response, body, posting.signal))
}

/** Why the server refuses, in its own words; `undefined` where it gives none, or they may hold an input. */
async function saidBy(
  response: Response,
  { inputs }: Posted,
  signal: AbortSignal,
): Promise<string | undefined> {
  const body = isRefusal(response.status) && isJson(response) ? response.body : undefined
  if (!body || inputs.some(({ datatype }) => datatype === 'BYTES')) {
    await drop(response)
    return undefined
  }
  try {
    const bytes = await readAtMost(body, MAX_REFUSAL_BYTES)
    return bytes && excerptOf(parsed(bytes))
  } catch {
    if (signal.aborted) throw signal.reason
    return undefined
  }
}

/** The request itself is at fault, as far as the server can see: what it says, or how much. */
export function isRefusal(status: number): boolean {
  return status >= 400 && status < 500 && ![401, 403, 404, 408, 429].includes(status)
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
    throw new AfieldError(
      'remote/unauthorised',
      'fallback.remote.headers() gave no headers: it must return an object such as { authorization: "Bearer …" }, or a ' +
        'promise of one. The cause says what it did.',
      { cause },
    )
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
  throw invalid(`is larger than ${MAX_BYTES / 1024 / 1024} MiB`, OTHER_URL)
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    // What the parser says quotes the answer.
    throw invalid('is no JSON', OTHER_URL)
  }
}

function failure(response: Response, said: string | undefined): AfieldError {
  const { status, type } = response
  const details = { status, ...(said === undefined ? {} : { said }) }
  const fails = (code: ErrorCode, message: string, more = {}): AfieldError =>
    new AfieldError(code, message, { details: { ...details, ...more } })
  if (type === 'opaqueredirect') {
    return invalid('is a redirect, such as to a login page', OTHER_URL)
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
    return invalid(
      'is the status 404: no such model or path',
      'Check fallback.remote.url and fallback.remote.model.',
      details,
    )
  }
  if (!response.ok) {
    const why = said === undefined ? 'See its own log' : '`details.said` is what it says of it'
    return invalid(`is the status ${status}: it refuses what it was asked`, `${why}.`, details)
  }
  return invalid(`is no JSON but ${response.headers.get('content-type') ?? 'of no type'}`, OTHER_URL, details)
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
