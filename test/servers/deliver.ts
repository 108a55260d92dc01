import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from './faults.js'

export interface Answer {
  readonly status: number
  readonly headers: OutgoingHttpHeaders
  readonly body: Buffer
}

const WEB_PAGE = '<!doctype html><title>Not what you asked for</title><div id="app"></div>'
const DRIPS_PER_SECOND = 10

/** The answer that `fault` makes of the true one, as far as status, headers and body say it. */
export function distort(answer: Answer, fault: Fault | undefined): Answer {
  const { body } = answer
  switch (fault?.kind) {
    case 'truncate':
      return { ...answer, body: body.subarray(0, body.length >> 1) }
    case 'corrupt':
      return { ...answer, body: withBitFlipped(body) }
    case 'oversize':
      return { ...answer, body: Buffer.concat([body, Buffer.alloc(fault.bytes ?? 1, ' ')]) }
    case 'status':
      return plain(answer, fault.status, 'text/plain', `Status ${fault.status} on purpose\n`)
    case 'html':
      return plain(answer, 200, 'text/html; charset=utf-8', WEB_PAGE)
    case 'replace': {
      const { etag: _, 'last-modified': __, ...headers } = answer.headers
      return { status: 200, headers, body: Buffer.from(fault.body) }
    }
    default:
      return answer
  }
}

/** Sends the answer the way `fault` lets it go out; resolves when the client has it or is gone. */
export async function deliver(
  response: ServerResponse,
  answer: Answer,
  fault: Fault | undefined,
): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  try {
    await send(response, answer, fault, gone.signal)
  } catch (error) {
    // A client that hangs up in the middle of a slow answer is what such a fault is for.
    if (!gone.signal.aborted) throw error
  }
}

async function send(
  response: ServerResponse,
  { status, headers, body }: Answer,
  fault: Fault | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (fault?.kind === 'refuse') return void response.destroy()
  if (fault?.kind === 'hold') await fault.until
  if (fault?.kind === 'delay') await sleep(fault.ms, undefined, { signal })
  const sized = fault?.kind !== 'endless' && status !== 204 && status !== 304
  response.writeHead(status, sized ? { ...headers, 'content-length': body.length } : headers)
  response.flushHeaders()
  if (response.req.method === 'HEAD') return void response.end()
  switch (fault?.kind) {
    case 'cut':
      response.write(body.subarray(0, body.length >> 1), () => response.destroy())
      return
    case 'drip':
      return drip(response, body, fault.bytesPerSecond, signal)
    case 'endless':
      return pour(response, body, signal)
    default:
      response.end(body)
  }
}

async function drip(
  response: ServerResponse,
  body: Buffer,
  bytesPerSecond: number,
  signal: AbortSignal,
): Promise<void> {
  const size = Math.max(1, Math.round(bytesPerSecond / DRIPS_PER_SECOND))
  for (let sent = 0; sent < body.length; sent += size) {
    await sleep((size / bytesPerSecond) * 1000, undefined, { signal })
    response.write(body.subarray(sent, sent + size))
  }
  response.end()
}

async function pour(response: ServerResponse, body: Buffer, signal: AbortSignal): Promise<void> {
  response.write(body)
  const filler = Buffer.alloc(64 * 1024, ' ')
  while (!signal.aborted) {
    if (!response.write(filler)) await once(response, 'drain', { signal })
  }
}

function plain(answer: Answer, status: number, type: string, text: string): Answer {
  const { etag: _, 'last-modified': __, ...headers } = answer.headers
  return {
    status,
    headers: { ...headers, 'content-type': type, 'cache-control': 'no-cache' },
    body: Buffer.from(text),
  }
}

function withBitFlipped(body: Buffer): Buffer {
  const copy = Buffer.from(body)
  const middle = copy.length >> 1
  if (copy.length > 0) copy.writeUInt8(copy.readUInt8(middle) ^ 1, middle)
  return copy
}
