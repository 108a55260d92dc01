import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { resolve } from 'node:path'
import sirv from 'sirv'
import { headersFor } from './deploy/headers.js'
import { CliError } from './errors.js'
import { dropOddRange } from './odd-range.js'
import { hasCode } from './read-file.js'
import { diskFiles } from './repository/files/files.js'
import { TIMESTAMP_PATH } from './repository/files/layout.js'

export interface ServeOptions {
  /** 8787 when left out; 0 takes a free one. */
  readonly port?: number | undefined
  /** 127.0.0.1 when left out: only this machine. */
  readonly host?: string | undefined
}

export interface RepositoryServer {
  /** Where the repository is, with a `/` at the end. */
  readonly url: string
  close(): Promise<void>
}

/**
 * Serves a repository over HTTP, as any static host would: readable from every origin, what never changes cached
 * for ever, the timestamp asked for anew each time. Files published later are served at once.
 *
 * @throws CliError `repository/missing`, `serve/port-in-use`.
 * @example
 * const server = await serveRepository('afield-repo', { port: 0 })
 * createAfield({ repository: server.url })
 */
export async function serveRepository(
  dir: string,
  { port = 8787, host = '127.0.0.1' }: ServeOptions = {},
): Promise<RepositoryServer> {
  if (!(await diskFiles(dir).read(TIMESTAMP_PATH))) {
    throw new CliError(
      'repository/missing',
      `${resolve(dir)} holds no repository. Make one with: afield init`,
    )
  }
  // `dev` looks for each file when it is asked for, so that what is published while this runs is found.
  const files = sirv(dir, {
    dev: true,
    etag: true,
    extensions: [],
    setHeaders,
    onNoMatch: (_, response) => notFound(response),
  })
  const server = createServer((request, response) => {
    response.setHeader('Access-Control-Allow-Origin', '*')
    response.setHeader('X-Content-Type-Options', 'nosniff')
    if (request.method === 'OPTIONS') return allowPreflight(response)
    if (request.method === 'GET' || request.method === 'HEAD') {
      dropOddRange(request)
      return files(request, response)
    }
    response.writeHead(405, { Allow: 'GET, HEAD, OPTIONS' }).end()
  })
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (cause) {
    if (!hasCode(cause, 'EADDRINUSE')) throw cause
    throw new CliError(
      'serve/port-in-use',
      `Port ${port} is taken. Pass another, or --port 0 for a free one.`,
      { cause },
    )
  }
  const address = server.address()
  const actualPort = typeof address === 'object' && address !== null ? address.port : port
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${actualPort}/`,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function setHeaders(response: ServerResponse, path: string): void {
  const { cacheControl, contentType } = headersFor(path.slice(1))
  response.setHeader('Cache-Control', cacheControl)
  response.setHeader('Content-Type', contentType)
}

/** Devices send no header of their own and need none of this; other tools may. */
function allowPreflight(response: ServerResponse): void {
  const headers = { 'Access-Control-Allow-Methods': 'GET, HEAD', 'Access-Control-Allow-Headers': '*' }
  response.writeHead(204, headers).end()
}

/** In plain words, and never kept: the next root is asked for until it is there. */
function notFound(response: ServerResponse): void {
  response.writeHead(404, { 'Content-Type': 'text/plain', 'Cache-Control': 'no-cache' }).end('Not found\n')
}
