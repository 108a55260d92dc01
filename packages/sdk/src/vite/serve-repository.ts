import { createReadStream } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { headersFor } from '@afield/protocol'

type Middleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void

/** All that a repository is made of; in its names is nothing that a URL would have to encode. */
const OF_A_REPOSITORY = /^(metadata|targets|descriptors|chunks)(\/[\w-][\w.-]*)+$/

/**
 * Serves a repository below a path, cached as a static host should have it; what it does not hold is not found,
 * whatever the app. Which other origins may read it is Vite's `cors` to say.
 *
 * @param path with a `/` at both ends.
 */
export function serveRepository(folder: string, path: string): Middleware {
  return (request, response, next) => {
    const [asked = ''] = (request.url ?? '').split('?')
    if (!asked.startsWith(path)) return next()
    answer(folder, asked.slice(path.length), request, response).catch(next)
  }
}

async function answer(
  folder: string,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.setHeader('X-Content-Type-Options', 'nosniff')
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { Allow: 'GET, HEAD' }).end()
    return
  }
  const found = OF_A_REPOSITORY.test(path) ? await find(folder, path) : undefined
  if (!found) {
    response.writeHead(404, { 'Content-Type': 'text/plain', 'Cache-Control': 'no-cache' }).end('Not found\n')
    return
  }
  const { cacheControl, contentType } = headersFor(path)
  const headers = { 'Cache-Control': cacheControl, 'Content-Type': contentType, 'Content-Length': found.size }
  response.writeHead(200, headers)
  if (request.method === 'HEAD') {
    response.end()
    return
  }
  try {
    await pipeline(createReadStream(found.file), response)
  } catch {
    // Whoever asked went away, or the file did: the headers are gone, and a cut answer says it.
    response.destroy()
  }
}

interface Found {
  readonly file: string
  readonly size: number
}

/** A file of the folder itself: a link in it may lead to anything on this machine. */
async function find(folder: string, path: string): Promise<Found | undefined> {
  try {
    const file = await realpath(join(folder, ...path.split('/')))
    if (!file.startsWith((await realpath(folder)) + sep)) return undefined
    const found = await stat(file)
    return found.isFile() ? { file, size: found.size } : undefined
  } catch (error) {
    if (error instanceof Error && 'code' in error && ABSENT.has(String(error.code))) return undefined
    throw error
  }
}

const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP'])
