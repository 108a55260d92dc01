import { readFile } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'

/** Beside `src` and `dist` alike: the page is served as it was written. */
const FOLDER = new URL('../../dashboard/', import.meta.url)

const TYPES = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
}

const FILES = [
  { path: '/', file: 'index.html', type: TYPES.html },
  { path: '/dashboard/dashboard.css', file: 'dashboard.css', type: TYPES.css },
  { path: '/dashboard/main.js', file: 'main.js', type: TYPES.js },
  { path: '/dashboard/model-table.js', file: 'model-table.js', type: TYPES.js },
  { path: '/dashboard/latency-chart.js', file: 'latency-chart.js', type: TYPES.js },
  { path: '/dashboard/element.js', file: 'element.js', type: TYPES.js },
  { path: '/dashboard/format.js', file: 'format.js', type: TYPES.js },
] as const

/** Own files only, nothing inline, no other host: numbers from the field cannot turn into script. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** `GET /`: the dashboard. It reads `/v1/versions` like anybody else. */
export function dashboardRoutes(app: FastifyInstance): void {
  for (const { path, file, type } of FILES) {
    app.get(path, async (_, reply) =>
      reply
        .header('content-security-policy', POLICY)
        .header('cache-control', 'no-cache')
        .type(type)
        .send(await readFile(new URL(file, FOLDER))),
    )
  }
}
