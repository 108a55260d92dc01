import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { startServer, type StaticServer } from '../servers/static.js'

const CHUNK = 'sixteen bytes :)'
let folder: string
let server: StaticServer

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'afield-server-'))
  await mkdir(join(folder, 'chunks'))
  await writeFile(join(folder, 'chunks', 'one'), CHUNK)
  await writeFile(join(folder, 'timestamp.json'), '{}')
  await writeFile(join(folder, 'ort.wasm'), '')
  await writeFile(join(folder, 'worker.mjs'), '')
  await writeFile(join(folder, 'index.html'), '<!doctype html>')
  server = await startServer({ mounts: { '/repo': folder } })
})

afterEach(() => {
  server.clearFaults()
  server.clearRequests()
})

afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})

const chunk = (init?: RequestInit) => fetch(`${server.url}/repo/chunks/one`, init)

test.each([
  ['/repo/', 'text/html; charset=utf-8'],
  ['/repo/timestamp.json', 'application/json'],
  ['/repo/ort.wasm', 'application/wasm'],
  ['/repo/worker.mjs', 'text/javascript; charset=utf-8'],
  ['/repo/chunks/one', 'application/octet-stream'],
])('serves %s as %s, to every origin', async (path, type) => {
  const response = await fetch(server.url + path)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe(type)
  expect(response.headers.get('access-control-allow-origin')).toBe('*')
})

test.each(['/', '/repository', '/repo/nothing', '/repo/chunks', '/repo/..%2f..%2fetc/passwd'])(
  'has nothing at %s',
  async (path) => {
    expect((await fetch(server.url + path)).status).toBe(404)
  },
)

test('lets caches keep content-addressed files and makes them ask for the rest', async () => {
  expect((await chunk()).headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
  const metadata = await fetch(`${server.url}/repo/timestamp.json`)
  expect(metadata.headers.get('cache-control')).toBe('no-cache')
})

test('answers 304 to who has the file, by tag and by date, until it changes', async () => {
  const url = `${server.url}/repo/timestamp.json`
  const first = await fetch(url)
  const etag = first.headers.get('etag') ?? ''
  const modified = first.headers.get('last-modified') ?? ''
  expect((await fetch(url, { headers: { 'if-none-match': etag } })).status).toBe(304)
  expect((await fetch(url, { headers: { 'if-modified-since': modified } })).status).toBe(304)

  await writeFile(join(folder, 'timestamp.json'), '[]')
  const changed = await fetch(url, { headers: { 'if-none-match': etag, 'if-modified-since': modified } })
  expect(changed.status).toBe(200)
  expect(await changed.text()).toBe('[]')
})

test('answers a preflight, and refuses to be written to', async () => {
  const preflight = await chunk({ method: 'OPTIONS' })
  expect(preflight.status).toBe(204)
  expect(preflight.headers.get('access-control-allow-headers')).toBe('*')
  expect((await chunk({ method: 'PUT', body: 'x' })).status).toBe(405)
  expect(await (await chunk({ method: 'HEAD' })).text()).toBe('')
})

test('makes pages cross-origin isolated when told to', async () => {
  const isolated = await startServer({ mounts: { '/': folder }, isolated: true })
  const { headers } = await fetch(isolated.url)
  expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
  expect(headers.get('cross-origin-embedder-policy')).toBe('require-corp')
  await isolated.close()
})

test('remembers its requests', async () => {
  const before = Date.now()
  await chunk()
  await fetch(`${server.url}/nothing?query`)
  expect(server.requests).toEqual([
    {
      method: 'GET',
      path: '/repo/chunks/one',
      status: 200,
      at: expect.any(Number),
      bytes: expect.any(Number),
    },
    { method: 'GET', path: '/nothing', status: 404, at: expect.any(Number), bytes: expect.any(Number) },
  ])
  expect(server.requests[0]?.at).toBeGreaterThanOrEqual(before)
  expect(server.requests[1]?.bytes).toBeGreaterThan('HTTP/1.1 404 Not Found'.length)
})

test('goes off the network and comes back at the same address', async () => {
  await chunk()
  await server.stop()
  await expect(chunk()).rejects.toThrow('fetch failed')
  await server.start()
  expect((await chunk()).status).toBe(200)
})

test('a fault hits the paths that match, as many times as it says', async () => {
  server.fault('/repo/*.json', { kind: 'status', status: 503, times: 2 })
  const status = async (path: string) => (await fetch(server.url + path)).status
  expect(await status('/repo/chunks/one')).toBe(200)
  expect(await status('/repo/timestamp.json')).toBe(503)
  expect(await status('/repo/timestamp.json')).toBe(503)
  expect(await status('/repo/timestamp.json')).toBe(200)

  server.fault('/repo/**', { kind: 'status', status: 500 })
  expect(await status('/repo/chunks/one')).toBe(500)
  server.clearFaults()
  expect(await status('/repo/chunks/one')).toBe(200)
})

test('cut: the body ends half-way and the client is told so', async () => {
  server.fault('/repo/chunks/**', { kind: 'cut' })
  const response = await chunk()
  expect(response.headers.get('content-length')).toBe('16')
  await expect(response.arrayBuffer()).rejects.toThrow('terminated')
})

test('truncate: half the bytes look like a complete answer', async () => {
  server.fault('/repo/chunks/**', { kind: 'truncate' })
  expect(await (await chunk()).text()).toBe('sixteen ')
})

test('corrupt: one bit differs', async () => {
  server.fault('/repo/chunks/**', { kind: 'corrupt' })
  expect(await (await chunk()).text()).toBe('sixteen cytes :)')
})

test('delay: the answer is whole and late', async () => {
  server.fault('/repo/chunks/**', { kind: 'delay', ms: 200 })
  const started = performance.now()
  expect(await (await chunk()).text()).toBe(CHUNK)
  expect(performance.now() - started).toBeGreaterThan(190)
})

test('drip: the answer starts at once and takes its time', async () => {
  server.fault('/repo/chunks/**', { kind: 'drip', bytesPerSecond: 40 })
  const started = performance.now()
  const response = await chunk()
  expect(server.requests.map(({ bytes }) => bytes)).toEqual([0])
  expect(await response.text()).toBe(CHUNK)
  expect(performance.now() - started).toBeGreaterThan(350)
})

test('endless: the body goes on for as long as somebody reads', async () => {
  server.fault('/repo/chunks/**', { kind: 'endless' })
  const hangUp = new AbortController()
  const response = await chunk({ signal: hangUp.signal })
  let received = 0
  for await (const part of response.body ?? []) {
    received += part.length
    if (received > 8 * 1024 * 1024) break
  }
  hangUp.abort()
  expect(response.headers.get('content-length')).toBeNull()
  expect(received).toBeGreaterThan(8 * 1024 * 1024)
})

test('html: a web page instead, with status 200', async () => {
  server.fault('/repo/chunks/**', { kind: 'html' })
  const response = await chunk()
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(await response.text()).toMatch(/^<!doctype html>/)
})

test('oversize: the true bytes and some more', async () => {
  server.fault('/repo/chunks/**', { kind: 'oversize', bytes: 3 })
  expect(await (await chunk()).text()).toBe(`${CHUNK}   `)
})

test('replace: other bytes, also where there is no file', async () => {
  server.fault('/repo/2.root.json', { kind: 'replace', body: 'other' })
  expect(await (await fetch(`${server.url}/repo/2.root.json`)).text()).toBe('other')
})

test('refuse: no answer at all', async () => {
  server.fault('/repo/chunks/**', { kind: 'refuse' })
  await expect(chunk()).rejects.toThrow('fetch failed')
  expect(server.requests.map(({ status }) => status)).toEqual([0])
})

test('a fault shows even to a client that has the file already', async () => {
  const etag = (await chunk()).headers.get('etag') ?? ''
  server.fault('/repo/chunks/**', { kind: 'corrupt' })
  expect((await chunk({ headers: { 'if-none-match': etag } })).status).toBe(200)
})
