import { once } from 'node:events'
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { deliver, distort, type Answer } from './deliver.js'
import { FaultPlan, globToRegExp, type Fault } from './faults.js'
import { findFile, type ServedFile } from './files.js'

export interface ServerOptions {
  /** URL path → folder, such as `{ '/': 'dist', '/repo': 'repository' }`; the longest match wins. */
  readonly mounts: Readonly<Record<string, string>>
  /** Path patterns that are served as immutable for a year; everything else is `no-cache`. */
  readonly immutable?: readonly string[]
  /** Sends COOP and COEP, which make pages cross-origin isolated. */
  readonly isolated?: boolean
  /** The Content-Security-Policy of every answer; default none. */
  readonly policy?: string
}

export interface SeenRequest {
  readonly method: string
  readonly path: string
  /** 0 when the connection was broken before any answer. */
  readonly status: number
  /** Milliseconds since the epoch. */
  readonly at: number
  /** Sent over the wire for it, headers included; 0 while the answer is on its way. */
  readonly bytes: number
}

export interface StaticServer {
  /** Origin, without a slash at the end. It outlives `stop()` and `start()`. */
  readonly url: string
  /** Every request so far, in the order they were answered. */
  readonly requests: readonly SeenRequest[]
  /** Forgets the requests so far. */
  clearRequests(): void
  /**
   * Sets a fault for the paths that match; of several, the one set last wins. A request that is hit gets a
   * full answer even where 304 would do.
   *
   * @param pattern `*` matches within a path segment, `**` over several
   * @example
   * server.fault('/repo/chunks/**', { kind: 'corrupt', times: 1 })
   */
  fault(pattern: string, fault: Fault): void
  clearFaults(): void
  /** Takes the server off the network: open connections break, new ones are refused. */
  stop(): Promise<void>
  /** Brings it back on the same port. */
  start(): Promise<void>
  /** Stops it for good. */
  close(): Promise<void>
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

const CONTENT_ADDRESSED = ['**/chunks/**', '**/descriptors/**', '**/assets/**']

/**
 * Serves folders on loopback as a plain static host would (CORS for all, ETag, Last-Modified), and fails on
 * demand.
 *
 * @example
 * const server = await startServer({ mounts: { '/repo': folder } })
 * await fetch(`${server.url}/repo/timestamp.json`)
 */
export async function startServer(options: ServerOptions): Promise<StaticServer> {
  const immutable = (options.immutable ?? CONTENT_ADDRESSED).map(globToRegExp)
  const faults = new FaultPlan()
  const requests: Mutable<SeenRequest>[] = []

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    const method = request.method ?? 'GET'
    const at = Date.now()
    const fault = method === 'OPTIONS' ? undefined : faults.take(pathname)
    const headers = {
      ...commonHeaders(options.isolated ?? false),
      ...(options.policy === undefined ? {} : { 'content-security-policy': options.policy }),
      'cache-control': immutable.some((pattern) => pattern.test(pathname))
        ? 'public, max-age=31536000, immutable'
        : 'no-cache',
    }
    const file = await findFile(options.mounts, pathname)
    const answer = distort(answerTo(request, file, headers, fault !== undefined), fault)
    const seen = {
      method,
      path: pathname,
      status: fault?.kind === 'refuse' ? 0 : answer.status,
      at,
      bytes: 0,
    }
    requests.push(seen)
    const { socket } = request
    const before = socket.bytesWritten
    response.once('finish', () => (seen.bytes = socket.bytesWritten - before))
    await deliver(response, answer, fault)
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      console.error('The test server failed:', error)
      response.destroy()
    })
  })
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  }
  const stop = async () => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
  await listen(0)
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    clearRequests: () => void requests.splice(0),
    fault: (pattern, fault) => faults.add(pattern, fault),
    clearFaults: () => faults.clear(),
    stop,
    start: () => listen(port),
    close: stop,
  }
}

function commonHeaders(isolated: boolean): OutgoingHttpHeaders {
  return {
    'access-control-allow-origin': '*',
    'cross-origin-resource-policy': 'cross-origin',
    'x-content-type-options': 'nosniff',
    ...(isolated && {
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
    }),
  }
}

function answerTo(
  request: IncomingMessage,
  file: ServedFile | undefined,
  headers: OutgoingHttpHeaders,
  unconditionally: boolean,
): Answer {
  const body = Buffer.alloc(0)
  if (request.method === 'OPTIONS') {
    const allowed = { 'access-control-allow-methods': 'GET, HEAD', 'access-control-allow-headers': '*' }
    return { status: 204, headers: { ...headers, ...allowed }, body }
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return { status: 405, headers: { ...headers, allow: 'GET, HEAD, OPTIONS' }, body }
  }
  if (!file) {
    const type = { 'content-type': 'text/plain', 'cache-control': 'no-cache' }
    return { status: 404, headers: { ...headers, ...type }, body: Buffer.from('Not found\n') }
  }
  const versioned = {
    ...headers,
    'content-type': file.type,
    etag: file.etag,
    'last-modified': file.modified.toUTCString(),
  }
  if (!unconditionally && isFresh(request, file)) return { status: 304, headers: versioned, body }
  return { status: 200, headers: versioned, body: file.body }
}

function isFresh(request: IncomingMessage, file: ServedFile): boolean {
  const tags = request.headers['if-none-match']
  if (tags !== undefined) return tags.split(/,\s*/).includes(file.etag)
  const since = request.headers['if-modified-since']
  // Header dates have whole seconds.
  return since !== undefined && Math.floor(file.modified.getTime() / 1000) * 1000 <= Date.parse(since)
}
