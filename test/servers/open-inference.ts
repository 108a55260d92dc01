import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { deliver, distort, type Answer } from './deliver.js'
import { FaultPlan, type Fault } from './faults.js'
import { Refused, ServedModel, type InferRequest, type InferResponse } from './served-model.js'

export interface OpenInferenceOptions {
  /** Name → ONNX file. */
  readonly models: Readonly<Record<string, string>>
  /** What it says its models' version is; default `7`. */
  readonly version?: string
  /** Asked for as `Authorization: Bearer <token>`; without it, 401. */
  readonly token?: string
}

/** What goes wrong: with the connection, as with any host, or as only such a server can. */
export type InferenceFault =
  | Fault
  | ((
      | { readonly kind: 'hang' }
      /** 429, with Retry-After. */
      | { readonly kind: 'busy'; readonly retryAfterSeconds: number }
      /** To a web page that asks for a password. */
      | { readonly kind: 'redirect-to-login' }
      /** A shape that its numbers do not fill. */
      | { readonly kind: 'wrong-shape' }
      /** Its numbers as texts. */
      | { readonly kind: 'wrong-datatype' }
      | { readonly kind: 'missing-output' }
    ) & { readonly times?: number })

export interface SeenInference {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  /** Of a POST, parsed; `undefined` where it was no JSON. */
  readonly body: unknown
  readonly status: number
}

export interface OpenInferenceServer {
  /** Base URL, without a slash at the end. */
  readonly url: string
  readonly requests: readonly SeenInference[]
  clearRequests(): void
  /** Sets a fault for every call; of several, the one set last wins. */
  fault(fault: InferenceFault): void
  clearFaults(): void
  close(): Promise<void>
}

const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, POST',
  // A star does not stand for this one.
  'access-control-allow-headers': '*, authorization',
  'access-control-expose-headers': 'retry-after',
  'access-control-max-age': '600',
  'cross-origin-resource-policy': 'cross-origin',
}

/**
 * A server of the Open Inference Protocol 2 on loopback that runs ONNX models on the CPU, and fails on demand.
 * https://github.com/kserve/open-inference-protocol
 *
 * @example
 * const server = await startOpenInference({ models: { 'learner-risk': file } })
 * await afield.load('learner-risk', { fallback: { remote: { url: server.url } } })
 * server.fault({ kind: 'busy', retryAfterSeconds: 2, times: 1 })
 */
export async function startOpenInference({
  models,
  version = '7',
  token,
}: OpenInferenceOptions): Promise<OpenInferenceServer> {
  const served = new Map<string, ServedModel>()
  for (const [name, file] of Object.entries(models)) {
    served.set(name, await ServedModel.open(await readFile(file)))
  }
  const faults = new FaultPlan<InferenceFault>()
  const requests: SeenInference[] = []

  async function answerTo(request: IncomingMessage, path: string, body: unknown): Promise<Answer> {
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) {
      return said(401, { error: 'Who are you?' }, { 'www-authenticate': 'Bearer' })
    }
    if (path === '/v2/health/live' || path === '/v2/health/ready') return said(200, {})
    const [, name = '', verb] = /^\/v2\/models\/([^/]+)\/(infer|ready)$/.exec(path) ?? []
    const model = served.get(decodeURIComponent(name))
    if (!model || verb === undefined) return said(404, { error: 'There is no such model.' })
    if (verb === 'ready') return said(200, {})
    if (request.method !== 'POST') return said(405, { error: 'POST it.' })
    const outputs = await model.infer(body as InferRequest)
    const { id } = body as InferRequest
    return said(200, { model_name: name, model_version: version, ...(id ? { id } : {}), outputs })
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', headers } = request
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    if (method === 'OPTIONS') return void response.writeHead(204, CORS).end()
    if (path === '/login') return deliver(response, distort(said(200, {}), { kind: 'html' }), undefined)
    const body: unknown = method === 'POST' ? await json(request).catch(() => undefined) : undefined
    const truth = await answerTo(request, path, body).catch((error: unknown) => {
      if (error instanceof Refused) return said(400, { error: error.message })
      throw error
    })
    const fault = faults.take(path)
    const answer = fault ? misbehave(truth, fault) : truth
    requests.push({ method, path, headers, body, status: fault?.kind === 'refuse' ? 0 : answer.status })
    if (fault?.kind === 'hang') return
    await deliver(response, answer, isTransport(fault) ? fault : undefined)
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      console.error('The inference server failed:', error)
      response.destroy()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    clearRequests: () => void requests.splice(0),
    fault: (fault) => faults.add('**', fault),
    clearFaults: () => faults.clear(),
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
      for (const model of served.values()) await model.close()
    },
  }
}

function isTransport(fault: InferenceFault | undefined): fault is Fault | undefined {
  return fault === undefined || !OWN_KINDS.has(fault.kind)
}

const OWN_KINDS: ReadonlySet<InferenceFault['kind']> = new Set([
  'hang',
  'busy',
  'redirect-to-login',
  'wrong-shape',
  'wrong-datatype',
  'missing-output',
])

function misbehave(truth: Answer, fault: InferenceFault): Answer {
  switch (fault.kind) {
    case 'busy':
      return said(429, { error: 'Come back later.' }, { 'retry-after': String(fault.retryAfterSeconds) })
    case 'redirect-to-login':
      return said(302, {}, { location: '/login' })
    case 'wrong-shape':
      return changed(truth, (output) => ({ ...output, shape: [...output.shape, 3] }))
    case 'wrong-datatype':
      return changed(truth, (output) => ({ ...output, datatype: 'BYTES', data: output.data.map(String) }))
    case 'missing-output':
      return changed(truth, () => undefined)
    case 'hang':
      return truth
    default: {
      const { headers, ...rest } = distort(truth, fault)
      return { ...rest, headers: { ...headers, ...CORS } }
    }
  }
}

type Output = InferResponse['outputs'][number]

function changed(truth: Answer, change: (output: Output) => Output | undefined): Answer {
  if (truth.status !== 200) return truth
  const { outputs, ...rest } = JSON.parse(truth.body.toString()) as InferResponse
  return said(200, { ...rest, outputs: outputs.flatMap((output) => change(output) ?? []) })
}

function said(status: number, body: object, headers: OutgoingHttpHeaders = {}): Answer {
  const type = { 'content-type': 'application/json', 'cache-control': 'no-store' }
  return { status, headers: { ...CORS, ...type, ...headers }, body: Buffer.from(JSON.stringify(body)) }
}
