import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join, normalize } from 'node:path'
import { headersFor } from '@afield/protocol'

type Middleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void

/** Serves a repository below a path as a static host should; what it does not hold is not found, whatever the app. */
export function serveRepository(folder: string, path: string): Middleware {
  const base = path.endsWith('/') ? path : `${path}/`
  return (request, response, next) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    if (!pathname.startsWith(base)) return next()
    answer(folder, pathname.slice(base.length), request, response).catch(next)
  }
}

async function answer(
  folder: string,
  asked: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.setHeader('Access-Control-Allow-Origin', '*')
  response.setHeader('X-Content-Type-Options', 'nosniff')
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { Allow: 'GET, HEAD' }).end()
    return
  }
  const path = normalize(asked)
  const file = join(folder, path)
  const size = path.startsWith('..') ? undefined : await sizeOf(file)
  if (size === undefined) {
    response.writeHead(404, { 'Content-Type': 'text/plain', 'Cache-Control': 'no-cache' }).end('Not found\n')
    return
  }
  const { cacheControl, contentType } = headersFor(asked)
  const headers = { 'Cache-Control': cacheControl, 'Content-Type': contentType, 'Content-Length': size }
  response.writeHead(200, headers)
  if (request.method === 'HEAD') response.end()
  else
    createReadStream(file)
      .on('error', () => response.destroy())
      .pipe(response)
}

async function sizeOf(file: string): Promise<number | undefined> {
  try {
    const found = await stat(file)
    return found.isFile() ? found.size : undefined
  } catch (error) {
    if (error instanceof Error && 'code' in error && ['ENOENT', 'ENOTDIR'].includes(String(error.code)))
      return undefined
    throw error
  }
}
