import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { initRepository, publish, serveRepository, type RepositoryServer } from '@afield/cli'
import { sha256 } from '@afield/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { learnerRisk } from '../support/learner-risk.js'
import { download, look } from './device.js'
import { temporaryFolder } from './workspace.js'

let repo: string
let server: RepositoryServer

beforeAll(async () => {
  repo = join(await temporaryFolder(), 'repo')
  await initRepository({ repo })
  server = await serveRepository(repo, { port: 0 })
})

afterAll(() => server.close())

const get = (path: string, init?: RequestInit) => fetch(new URL(path, server.url), init)

test('the timestamp is asked for anew each time, and costs no body while it is unchanged', async () => {
  const response = await get('metadata/timestamp.json')
  expect(response.status).toBe(200)
  expect(response.headers.get('cache-control')).toBe('no-cache')
  expect(response.headers.get('access-control-allow-origin')).toBe('*')
  const etag = response.headers.get('etag') ?? ''
  const again = await get('metadata/timestamp.json', { headers: { 'if-none-match': etag } })
  expect(again.status).toBe(304)
  expect(again.headers.get('access-control-allow-origin')).toBe('*')
})

test('what never changes is cached for ever, also when it is published while the server runs', async () => {
  const before = await get('metadata/timestamp.json')
  const { descriptor } = await publish({
    repo,
    model: learnerRisk('1.0.0'),
    version: '1.0.0',
    skipReplay: true,
  })
  const seen = await look(repo, 'learner-risk')
  expect(seen.version).toBe(2)
  const paths = ['metadata/1.root.json', 'metadata/2.snapshot.json', `descriptors/${descriptor}.json`]
  for (const path of paths) {
    const response = await get(path)
    expect(response.status).toBe(200)
    expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
  }
  const after = await get('metadata/timestamp.json')
  expect(after.headers.get('etag')).not.toBe(before.headers.get('etag'))
  expect(await after.text()).not.toBe(await before.text())
})

test('a range that no file has is passed over, and the server stands', async () => {
  const whole = await (await get('metadata/1.root.json')).text()
  for (const range of ['bytes=5-2', 'bytes=-3', 'bytes=0-1,4-5', 'lines=1-2']) {
    const response = await get('metadata/1.root.json', { headers: { range } })
    expect(response.status).toBe(200)
    expect(await response.text()).toBe(whole)
  }
})

test('a chunk comes as it is stored: the host packs and unpacks nothing', async () => {
  const { descriptor } = await download(repo, await look(repo, 'learner-risk'), '1.0.0')
  const chunk = descriptor.artifacts[0]?.files[0]?.chunks[0]
  const hash = chunk?.sha256 ?? 'none'
  const path = `chunks/${hash.slice(0, 2)}/${hash}`
  const response = await get(path)
  expect(response.headers.get('content-type')).toBe('application/octet-stream')
  expect(response.headers.get('content-encoding')).toBeNull()
  const bytes = new Uint8Array(await response.arrayBuffer())
  expect(chunk).toMatchObject({ encoding: 'gzip', encodedSize: bytes.length })
  expect(await sha256(new Uint8Array(gunzipSync(bytes)))).toBe(hash)

  const part = await get(path, { headers: { range: 'bytes=0-9' } })
  expect(part.status).toBe(206)
  expect(new Uint8Array(await part.arrayBuffer())).toEqual(bytes.subarray(0, 10))
  const head = await get(path, { method: 'HEAD' })
  expect(head.headers.get('content-length')).toBe(String(bytes.length))
})

test('what is not there is 404, may not be cached, and can be read as such from another origin', async () => {
  const response = await get('metadata/2.root.json')
  expect(response.status).toBe(404)
  expect(response.headers.get('cache-control')).toBe('no-cache')
  expect(response.headers.get('access-control-allow-origin')).toBe('*')
  expect(response.headers.get('content-type')).toBe('text/plain')
  expect(await response.text()).toBe('Not found\n')
})

test('only reading is offered', async () => {
  expect((await get('metadata/timestamp.json', { method: 'PUT', body: '{}' })).status).toBe(405)
})

test('a preflight is answered', async () => {
  const response = await get('metadata/timestamp.json', {
    method: 'OPTIONS',
    headers: { origin: 'https://app.example', 'access-control-request-method': 'GET' },
  })
  expect(response.status).toBe(204)
  expect(response.headers.get('access-control-allow-methods')).toBe('GET, HEAD')
})

test.each(['/../repo.keys/ops.pem', '/..%2frepo.keys%2fops.pem', '/metadata/../../repo.keys/ops.pem'])(
  'the keys beside the folder stay out of reach: %s',
  async (path) => {
    const { hostname: host, port } = new URL(server.url)
    // fetch() would tidy the path up first.
    const [response] = (await once(request({ host, port, path }).end(), 'response')) as [IncomingMessage]
    response.resume()
    expect(response.statusCode).toBe(404)
  },
)

test('a folder without a repository is not served', async () => {
  await expect(serveRepository(join(repo, 'metadata'), { port: 0 })).rejects.toMatchObject({
    code: 'repository/missing',
  })
})

test('a port that is taken is named', async () => {
  const port = Number(new URL(server.url).port)
  await expect(serveRepository(repo, { port })).rejects.toMatchObject({ code: 'serve/port-in-use' })
})
