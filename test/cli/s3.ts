import { once } from 'node:events'
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { s3Target, type S3Options, type S3Target } from '@afield/cli'
// @ts-expect-error: it comes without types
import Untyped from 's3rver'
import { temporaryFolder } from './workspace.js'

interface S3rver {
  run(): Promise<{ readonly address: string; readonly port: number }>
  close(): Promise<void>
}

type S3rverClass = new (options: {
  readonly port: number
  readonly address: string
  readonly silent: boolean
  readonly directory: string
  readonly configureBuckets: readonly { readonly name: string }[]
}) => S3rver

/**
 * An S3-compatible server, without types. It knows its keys, checks no signature of version 4, ignores
 * `If-None-Match` on PUT, and cannot make the tokens by which long listings go on (they need DES).
 */
const S3rver = Untyped as unknown as S3rverClass

export const BUCKET = 'models'
export const CREDENTIALS = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' }

/**
 * What the gateway says to a request instead of passing it on; `lose` passes it on and breaks the connection instead of
 * answering; `undefined` passes it on.
 */
export type Answerer = (request: {
  readonly method: string
  readonly path: string
}) => number | 'lose' | undefined

export interface S3Server {
  readonly endpoint: string
  /** Requests that arrived, such as `PUT /models/live/metadata/timestamp.json`. */
  readonly requests: readonly string[]
  answer(with_: Answerer): void
  target(options?: Partial<S3Options>): S3Target
  /** What a browser gets for a file, without credentials. */
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Response>
  close(): Promise<void>
}

/** Objects a listing shows at a time, few so that every test sees more than one page. */
const PAGE = 4

/**
 * Starts a real S3-compatible server behind a gateway that adds what today's S3 has and this one lacks: a PUT with
 * `If-None-Match: *` for an object that exists is answered 412, and listings come in pages. The gateway can fail on
 * demand.
 *
 * @param conditional false: as the server is, without that.
 */
export async function startS3({ conditional = true } = {}): Promise<S3Server> {
  const server = new S3rver({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    directory: await temporaryFolder(),
    configureBuckets: [{ name: BUCKET }],
  })
  const { port } = await server.run()
  const requests: string[] = []
  const objects = new Set<string>()
  let answerer: Answerer = () => undefined

  const gateway = createServer((incoming, outgoing) => {
    const { method = 'GET', url = '/' } = incoming
    const path = url.split('?')[0] ?? url
    requests.push(`${method} ${path}`)
    const told = answerer({ method, path })
    if (typeof told === 'number') return refuse(incoming, outgoing, told)
    if (url.includes('list-type=2')) return listPage(incoming, outgoing, port)
    if (method === 'PUT') {
      const exclusive = conditional && incoming.headers['if-none-match'] === '*'
      if (exclusive && objects.has(path)) return refuse(incoming, outgoing, 412)
      objects.add(path)
    }
    forward(incoming, outgoing, port, told === 'lose')
  })
  gateway.listen(0, '127.0.0.1')
  await once(gateway, 'listening')
  const endpoint = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`
  return {
    endpoint,
    requests,
    answer: (next) => (answerer = next),
    target: (options) =>
      s3Target({
        bucket: BUCKET,
        prefix: 'live',
        endpoint,
        region: 'us-east-1',
        credentials: CREDENTIALS,
        retry: { attempts: 3, firstDelayMs: 1 },
        ...options,
      }),
    get: (path, headers = {}) => fetch(`${endpoint}/${BUCKET}/live/${path}`, { headers }),
    close: async () => {
      gateway.closeAllConnections()
      gateway.close()
      await server.close()
    },
  }
}

function forward(incoming: IncomingMessage, outgoing: ServerResponse, port: number, lose: boolean): void {
  const { method, url, headers } = incoming
  const passed = request({ host: '127.0.0.1', port, method, path: url, headers }, (answer) => {
    if (lose) return void answer.resume().on('end', () => outgoing.destroy())
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(outgoing)
  })
  passed.on('error', () => outgoing.destroy())
  incoming.pipe(passed)
}

/** Asks for a page as version 1 of the listing, whose tokens are plain keys. */
function listPage({ url = '/', headers }: IncomingMessage, outgoing: ServerResponse, port: number): void {
  const asked = new URL(url, 'http://localhost')
  const prefix = asked.searchParams.get('prefix') ?? ''
  const marker = asked.searchParams.get('continuation-token') ?? ''
  const query = new URLSearchParams({ prefix, marker, 'max-keys': String(PAGE) })
  request({ host: '127.0.0.1', port, path: `${asked.pathname}?${query}`, headers }, (answer) => {
    let xml = ''
    answer.setEncoding('utf8')
    answer.on('data', (text: string) => (xml += text))
    answer.on('end', () => {
      const last = [...xml.matchAll(/<Key>([^<]*)</g)].at(-1)?.[1] ?? ''
      const token = `<NextContinuationToken>${last}</NextContinuationToken></ListBucketResult>`
      outgoing.writeHead(answer.statusCode ?? 502, { 'content-type': 'application/xml' })
      outgoing.end(xml.replace('</ListBucketResult>', token))
    })
  }).end()
}

function refuse(incoming: IncomingMessage, outgoing: ServerResponse, status: number): void {
  incoming.resume()
  incoming.on('end', () => outgoing.writeHead(status).end('<Error><Code>Told</Code></Error>'))
}
