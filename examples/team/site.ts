import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import sirv from 'sirv'
import { answerTeam, type TeamServerOptions } from './server.js'

export interface SiteOptions extends TeamServerOptions {
  /** The folder of the built pages. */
  readonly folder: string
  readonly port: number
}

export interface Site {
  close(): Promise<void>
}

/** What a page of the site may reach, so that "nothing leaves this device" is enforced and not only said. */
function policyOf({ repository, collector }: TeamServerOptions['config']): string {
  return [
    "default-src 'self'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    `connect-src 'self' ${[repository, collector]
      .filter(Boolean)
      .map((url) => new URL(url).origin)
      .join(' ')}`,
    "base-uri 'none'",
    "form-action 'none'",
    "object-src 'none'",
  ].join('; ')
}

/** Serves the pages and the team's API on this machine alone. */
export async function serveSite({ folder, port, ...team }: SiteOptions): Promise<Site> {
  const policy = policyOf(team.config)
  const pages = sirv(folder, {
    etag: true,
    setHeaders: (response, path) => setHeaders(response, path, policy),
    onNoMatch: (_, response) => response.writeHead(404, { 'content-type': 'text/plain' }).end('Not found'),
  })
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    if (path.startsWith('/team/')) {
      answerTeam(request, response, path, team).catch((error: unknown) => {
        console.error(error)
        if (response.headersSent) response.destroy()
        else response.writeHead(500).end()
      })
    } else if (path === '/') redirect(response, '/tour/')
    else if (/^\/[a-z-]+$/.test(path)) redirect(response, `${path}/`)
    else pages(request, response)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(302, { location }).end()
}

function setHeaders(response: ServerResponse, path: string, policy: string): void {
  const hashed = path.includes('/assets/')
  response.setHeader('cache-control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache')
  response.setHeader('content-security-policy', policy)
  response.setHeader('x-content-type-options', 'nosniff')
  response.setHeader('referrer-policy', 'no-referrer')
}
