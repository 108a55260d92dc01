import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { fileURLToPath } from 'node:url'
import sirv from 'sirv'
import { CliError } from '../errors.js'
import { dropOddRange } from '../odd-range.js'
import { hasCode } from '../read-file.js'

const HOST = '127.0.0.1'
const FIRST_PORT = 4500
const PORTS_TRIED = 20
const IMPORT_MAP = JSON.stringify({ imports: { afield: '/afield/standalone.js' } })

const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  `script-src 'self' 'wasm-unsafe-eval' 'sha256-${createHash('sha256').update(IMPORT_MAP).digest('base64')}'`,
  "img-src 'self' data: blob:",
  "frame-ancestors 'none'",
  "form-action 'none'",
].join('; ')

export interface HostOptions {
  /** The development repository's folder. */
  readonly repo: string
  /** The root that the page trusts, as it is stored. */
  readonly root: Uint8Array
  /** What a page that opens now is told first. */
  readonly state: () => object
  /** The first free one from 4500 on when left out; 0 takes any. */
  readonly port?: number | undefined
}

export interface Host {
  readonly url: string
  /** Tells all open pages. */
  tell(state: object): void
  close(): Promise<void>
}

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown

/**
 * Serves the page, the SDK and the development repository to this machine alone: on loopback, and only to pages that
 * address it as such, so that no name that somebody points at loopback lets another site in.
 *
 * @throws CliError `serve/port-in-use`.
 */
export async function startHost({ repo, root, state, port }: HostOptions): Promise<Host> {
  const pages = new Set<ServerResponse>()
  const index = await indexHtml()
  const style = await readFile(packaged('page/style.css'))
  const folders: readonly (readonly [string, Handler])[] = [
    ['/page', folder(packaged('dist/page'))],
    ['/afield', folder(fileURLToPath(new URL('.', import.meta.resolve('afield'))))],
    ['/repository', folder(repo)],
  ]
  const answer = (request: IncomingMessage, response: ServerResponse): unknown => {
    const path = request.url?.split('?')[0] ?? '/'
    if (path === '/') return send(response, 'text/html; charset=utf-8', index)
    if (path === '/style.css') return send(response, 'text/css', style)
    if (path === '/root.json') return send(response, 'application/json', root)
    if (path === '/events') return listen(response, pages, state())
    const [prefix, handler] = folders.find(([prefix]) => path.startsWith(`${prefix}/`)) ?? []
    if (prefix === undefined || !handler) return refuse(response, 404, 'Not found')
    request.url = request.url?.slice(prefix.length) ?? '/'
    return handler(request, response)
  }
  let allowed: readonly string[] = []
  const server = createServer((request, response) => {
    response.setHeader('X-Content-Type-Options', 'nosniff')
    response.setHeader('Cross-Origin-Resource-Policy', 'same-origin')
    response.setHeader('Content-Security-Policy', CONTENT_SECURITY_POLICY)
    response.setHeader('Cache-Control', 'no-cache')
    if (!allowed.includes(request.headers.host ?? '')) {
      return refuse(response, 403, 'afield dev answers to 127.0.0.1 and localhost only')
    }
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return refuse(response, 405, 'Only reading is offered')
    return answer(request, response)
  })
  const actual = await listenOn(server, port)
  // Browsers leave port 80 out.
  allowed = [HOST, 'localhost'].flatMap((host) => [`${host}:${actual}`, ...(actual === 80 ? [host] : [])])
  return {
    url: `http://${HOST}:${actual}/`,
    tell: (next) => pages.forEach((page) => page.write(event(next))),
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function listenOn(server: Server, port: number | undefined): Promise<number> {
  const last = port ?? FIRST_PORT + PORTS_TRIED
  for (let next = port ?? FIRST_PORT; ; next++) {
    server.listen(next, HOST)
    try {
      await once(server, 'listening')
      const address = server.address()
      return typeof address === 'object' && address !== null ? address.port : next
    } catch (cause) {
      if (!hasCode(cause, 'EADDRINUSE')) throw cause
      if (next < last) continue
      throw new CliError(
        'serve/port-in-use',
        `Port ${next} is taken. Pass another, or --port 0 for a free one.`,
        { cause },
      )
    }
  }
}

function listen(response: ServerResponse, pages: Set<ServerResponse>, state: object): void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream' })
  response.write(event(state))
  pages.add(response)
  response.on('close', () => pages.delete(response))
}

function event(state: object): string {
  return `data: ${JSON.stringify(state)}\n\n`
}

function folder(dir: string): Handler {
  const files = sirv(dir, {
    dev: true,
    extensions: [],
    onNoMatch: (_, response) => refuse(response, 404, 'Not found'),
  })
  return (request, response) => {
    dropOddRange(request)
    return files(request, response)
  }
}

function send(response: ServerResponse, type: string, body: string | Uint8Array): void {
  response.writeHead(200, { 'Content-Type': type }).end(body)
}

function refuse(response: ServerResponse, status: number, words: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain' }).end(`${words}\n`)
}

async function indexHtml(): Promise<string> {
  const html = await readFile(packaged('page/index.html'), 'utf8')
  return html.replace('<!--importmap-->', `<script type="importmap">${IMPORT_MAP}</script>`)
}

/** A file or folder of this package. */
function packaged(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url))
}
