import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseBatch, type Batch } from '@afield/protocol'

/** One request as it went over the wire. */
export interface SentRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** What becomes of a request: it goes through; its answer is lost after the collector gave it; or it ends here. */
export type WireMode = 'through' | 'lose-answers' | 'cut' | { readonly status: number }

/** A wire between devices and their collector, with everything that went over it. */
export interface Wire {
  readonly url: string
  readonly requests: readonly SentRequest[]
  /** The different batches among them, in the order in which they first came. */
  batches(): readonly Batch[]
  become(mode: WireMode): void
  close(): Promise<void>
}

export async function startWire(target: string): Promise<Wire> {
  const requests: SentRequest[] = []
  let mode: WireMode = 'through'

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const { method = 'GET', url = '/', headers } = request
    const sent: SentRequest = { method, path: url, headers, body: Buffer.concat(parts).toString('utf8') }
    requests.push(sent)
    if (mode === 'cut') return void response.destroy()
    if (typeof mode === 'object') return void response.writeHead(mode.status).end()
    const answer = await forward(target, sent)
    if (mode === 'lose-answers' || !answer) return void response.destroy()
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text())
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      console.error('The wire failed:', error)
      response.destroy()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    batches: () => [...new Set(requests.map(({ body }) => body))].map((body) => parseBatch(body)),
    become: (next) => {
      mode = next
    },
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** `undefined` when the collector is off. */
async function forward(
  target: string,
  { method, path, headers, body }: SentRequest,
): Promise<Response | undefined> {
  try {
    return await fetch(target + path, {
      method,
      body,
      headers: { 'content-type': headers['content-type'] ?? '' },
    })
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}
