import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { startOpenInference, type OpenInferenceServer } from '../servers/open-inference.js'
import { writeHardModel } from '../support/models/hard.js'

let folder: string
let server: OpenInferenceServer

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'afield-inference-'))
  const model = await writeHardModel(folder, 'square-root')
  server = await startOpenInference({ models: { roots: model }, token: 'sesame' })
})

afterEach(() => {
  server.clearFaults()
  server.clearRequests()
})

afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})

const QUESTION = { id: 'q', inputs: [{ name: 'x', shape: [2, 1], datatype: 'FP32', data: [[9], [16]] }] }

const ask = (body: unknown = QUESTION, headers: object = { authorization: 'Bearer sesame' }) =>
  fetch(`${server.url}/v2/models/roots/infer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(500),
  })

test('runs the model, and remembers who asked what', async () => {
  expect(await (await ask()).json()).toEqual({
    model_name: 'roots',
    model_version: '7',
    id: 'q',
    outputs: [{ name: 'root', shape: [2, 1], datatype: 'FP32', data: [3, 4] }],
  })
  const [{ path, body, headers, status } = {}] = server.requests
  expect({ path, body, status }).toEqual({ path: '/v2/models/roots/infer', body: QUESTION, status: 200 })
  expect(headers?.authorization).toBe('Bearer sesame')
})

test('says when it is ready', async () => {
  const ready = await fetch(`${server.url}/v2/health/ready`, { headers: { authorization: 'Bearer sesame' } })
  expect(ready.status).toBe(200)
})

test.each([
  [
    'another model',
    404,
    () => fetch(`${server.url}/v2/models/other/infer`, { headers: { authorization: 'Bearer sesame' } }),
  ],
  ['nobody it knows', 401, () => ask(QUESTION, {})],
  ['no inputs', 400, () => ask({})],
  [
    'a tensor that does not fill its shape',
    400,
    () => ask({ inputs: [{ ...QUESTION.inputs[0], shape: [3, 1] }] }),
  ],
  [
    'a datatype that the model does not take',
    400,
    () => ask({ inputs: [{ ...QUESTION.inputs[0], datatype: 'INT32' }] }),
  ],
])('refuses %s with %i, readable for every origin', async (_what, status, call) => {
  const response = await call()
  expect(response.status).toBe(status)
  expect(response.headers.get('access-control-allow-origin')).toBe('*')
  expect(await response.json()).toEqual({ error: expect.any(String) as string })
})

test.each([
  ['busy', { kind: 'busy', retryAfterSeconds: 2 }, 429],
  ['broken', { kind: 'status', status: 500 }, 500],
  ['a web page', { kind: 'html' }, 200],
] as const)('is %s on demand', async (_what, fault, status) => {
  server.fault({ ...fault, times: 1 })
  const response = await ask()
  expect(response.status).toBe(status)
  expect(response.headers.get('access-control-allow-origin')).toBe('*')
  expect((await ask()).status).toBe(200)
})

test('hangs, sends to a login, cuts its answer and goes on without end on demand', async () => {
  server.fault({ kind: 'hang', times: 1 })
  await expect(ask()).rejects.toThrow('timeout')
  server.fault({ kind: 'redirect-to-login', times: 1 })
  expect(new URL((await ask()).url).pathname).toBe('/login')
  server.fault({ kind: 'truncate', times: 1 })
  await expect((await ask()).json()).rejects.toThrow('JSON')
  server.fault({ kind: 'endless', times: 1 })
  await expect((await ask()).text()).rejects.toThrow('timeout')
})

test.each([
  ['wrong-shape', [{ name: 'root', shape: [2, 1, 3], datatype: 'FP32', data: [3, 4] }]],
  ['wrong-datatype', [{ name: 'root', shape: [2, 1], datatype: 'BYTES', data: ['3', '4'] }]],
  ['missing-output', []],
] as const)('answers with %s on demand', async (kind, outputs) => {
  server.fault({ kind })
  expect(await (await ask()).json()).toMatchObject({ outputs })
})
