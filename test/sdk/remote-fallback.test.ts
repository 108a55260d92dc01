import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { publish } from '@afield/cli'
import { DTYPES, allocate, errorToData, fill, readable, type AfieldError, type Feeds } from '@afield/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kindsFrom } from '../../packages/sdk/dist/engine/kinds.js'
import { RemoteAsker, type RemoteQuestion } from '../../packages/sdk/dist/engine/remote/asker.js'
import { excerptOf } from '../../packages/sdk/dist/engine/remote/excerpt.js'
import { postJson } from '../../packages/sdk/dist/engine/remote/post.js'
import { fromJson, toJson } from '../../packages/sdk/dist/engine/remote/tensors.js'
import { checkedHeaders } from '../../packages/sdk/dist/router/fallback/server-address.js'
import { engineUrls } from '../../packages/sdk/dist/files.js'
import { startOpenInference, type OpenInferenceServer } from '../servers/open-inference.js'
import { KIND_CONTRACTS, writeKindModel, type KindModel } from '../support/kind-models.js'
import { startDevice } from './support/devices.js'
import { makeRepository, type TestRepository } from './support/repository.js'

const KINDS: readonly KindModel[] = ['columns', 'counter', 'pets', 'pick']

let folder: string
let repository: TestRepository
let server: OpenInferenceServer

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'afield-remote-'))
  repository = await makeRepository([])
  const models: Record<string, string> = {}
  for (const kind of KINDS) {
    models[kind] = await writeKindModel(folder, kind)
    await publish({ repo: repository.dir, model: models[kind], version: '1.0.0', author: 'Tests' })
  }
  server = await startOpenInference({ models })
})

afterAll(async () => {
  await server?.close()
  await rm(folder, { recursive: true, force: true })
})

/** A model here, and the same one on a server. */
async function bothOf(kind: KindModel) {
  const device = startDevice(repository)
  await device.load(kind)
  const calls = await device.keeper.engineCalls()
  const asker = await RemoteAsker.create(await calls.remoteContract(kind), kindsFrom(engineUrls().kinds))
  const posting = {
    url: `${server.url}/v2/models/${kind}/infer`,
    headers: undefined,
    signal: AbortSignal.timeout(5000),
  }
  return { device, remote: (...questions: readonly RemoteQuestion[]) => asker.ask(questions, posting) }
}

describe('a server answers as the model here does', () => {
  test('records of several columns, whose ids come back', async () => {
    const { device, remote } = await bothOf('columns')
    const record = { order: 'A-17', age: 41, member: true, plan: 'gold', comment: 'gut, aber 🐌' }
    const { outputs } = await device.predict('columns', record)
    expect(await remote({ input: record }, { input: { ...record, order: 'B-1' } })).toEqual({
      settled: [{ outputs }, { outputs: { ...outputs, order: 'B-1' } }],
      version: '7',
    })
  })

  test('labels, scores, decisions and whole tensors, of one row or more', async () => {
    const { device, remote } = await bothOf('pets')
    const inputs = [Float32Array.of(-1, 1.5, 0.25, -2), [0.5, -0.5, 1, 2]]
    server.clearRequests()
    const { settled } = await remote(...inputs.map((input) => ({ input })))
    expect(server.requests).toHaveLength(1)
    for (const [i, input] of inputs.entries()) {
      const { outputs } = await device.predict('pets', input)
      expect(settled[i]).toEqual({ outputs })
    }
  })

  test('a stateful model goes on from where it was, here or there', async () => {
    const { device, remote } = await bothOf('counter')
    const input = Float32Array.of(8, 0, 0)
    const first = await device.predict('counter', input)
    const here = await device.predict('counter', input, { state: first.state })
    const there = await remote({ input, state: first.state })
    expect(there.settled).toEqual([{ outputs: here.outputs, state: here.state }])
  })

  test('a row that the server refuses costs no other its answer', async () => {
    const { remote } = await bothOf('pick')
    const { settled } = await remote(...[3n, 99n, 3n].map((at) => ({ input: BigInt64Array.of(at) })))
    expect(settled[0]).toEqual({ outputs: { value: 9 } })
    expect(settled[1]).toMatchObject({ code: 'remote/invalid', details: { status: 400 } })
    expect(settled[2]).toEqual(settled[0])
  })

  test.each([
    [413, 'are too large for one request'],
    [422, 'hold one that it cannot take'],
  ])('many that it refuses with %i, since they %s, are asked apart', async (status) => {
    const { device, remote } = await bothOf('pets')
    const inputs = [1, 2, 3, 4].map((x) => [x, 0.5, -x, 0])
    server.clearRequests()
    server.fault({ kind: 'status', status, times: 1 })
    const { settled } = await remote(...inputs.map((input) => ({ input })))
    server.clearFaults()
    expect(server.requests.map((request) => request.status)).toEqual([status, 200, 200])
    for (const [i, input] of inputs.entries()) {
      const { outputs } = await device.predict('pets', input)
      expect(settled[i]).toEqual({ outputs })
    }
  })

  test('nor does one that JSON cannot say', async () => {
    const { remote } = await bothOf('pets')
    const { settled } = await remote(
      { input: [0.5, -0.5, 1, 2] },
      { input: Float32Array.of(0, Number.NaN, 0, 0) },
      { input: [0.5, -0.5, 1, 2] },
    )
    expect(settled[0]).toMatchObject({ outputs: expect.anything() as object })
    expect(settled[1]).toMatchObject({ code: 'remote/invalid', details: { problem: 'unsayable' } })
    expect(settled[2]).toEqual(settled[0])
  })

  test('a server that refuses everything is not asked for each of a thousand', async () => {
    const { remote } = await bothOf('pets')
    server.clearRequests()
    server.fault({ kind: 'status', status: 400 })
    const { settled } = await remote(...Array.from({ length: 1000 }, () => ({ input: [0.5, -0.5, 1, 2] })))
    server.clearFaults()
    expect(settled).toHaveLength(1000)
    expect(settled.every((one) => 'code' in one && one.code === 'remote/invalid')).toBe(true)
    expect(server.requests.length).toBeLessThan(40)
  })
})

test('answers for more rows than were asked for are no answers: nobody knows whose they are', async () => {
  const value = { name: 'value', shape: [4], datatype: 'FP32', data: [1, 2, 3, 4] }
  const other = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ outputs: [value] }))
  })
  other.listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const contract = { contract: KIND_CONTRACTS.pick, assets: {}, stateOf: 'pick 0' }
  const asker = await RemoteAsker.create(contract as never, kindsFrom(engineUrls().kinds))
  const posting = { url: `http://127.0.0.1:${port}/`, headers: undefined, signal: AbortSignal.timeout(5000) }
  const { settled } = await asker.ask(
    [1n, 2n].map((at) => ({ input: BigInt64Array.of(at) })),
    posting,
  )
  other.close()
  const refused = {
    code: 'remote/invalid',
    message: expect.stringContaining('gives "value" for 4 rows, and was asked for 2') as string,
  }
  expect(settled).toMatchObject([refused, refused])
})

test('a device that has no model knows the contract, if it can be had', async () => {
  const device = startDevice(repository)
  const calls = await device.keeper.engineCalls()
  expect(await calls.remoteContract('pets')).toMatchObject({ version: '1.0.0', stateOf: 'pets 0' })
  await expect(calls.remoteContract('nobody')).rejects.toMatchObject({ code: 'model/not-found' })
  repository.server.fault('/repository/**', { kind: 'refuse' })
  await expect(calls.remoteContract('pets@1.0.0')).resolves.toMatchObject({ version: '1.0.0' })
  const offline = await startDevice(repository).keeper.engineCalls()
  await expect(offline.remoteContract('pets')).rejects.toMatchObject({ code: 'manifest/unavailable' })
  repository.server.clearFaults()
})

test('a header that none can be is refused, and its value told nobody', async () => {
  const posting = {
    url: `${server.url}/v2/models/pets/infer`,
    headers: () => Promise.resolve({ authorization: 'Bearer se\ncret' }),
    signal: AbortSignal.timeout(5000),
  }
  const error = await postJson({ id: '1', inputs: [] }, posting).catch((cause: unknown) => cause)
  expect(error).toMatchObject({ code: 'remote/unauthorised' })
  expect(JSON.stringify(errorToData(error))).not.toMatch(/Bearer|cret\b/)
})

test('headers are an object with a text for each name, and nothing else is taken for one', () => {
  for (const given of [{}, { authorization: 'Bearer t' }, Object.create(null) as object]) {
    expect(checkedHeaders(given)).toEqual({ ...given })
  }
  const secret = 'se-cret'
  const wrong = [
    null,
    undefined,
    secret,
    5,
    [secret],
    [['a', secret]],
    { a: 5 },
    { a: undefined },
    new Headers(),
  ]
  for (const given of [...wrong, new Map([['a', secret]]), () => ({})]) {
    const refuse = () => checkedHeaders(given)
    expect(refuse).toThrow('returned no plain object with a text for each name')
    expect(refuse).not.toThrow(secret)
  }
})

describe('what a server says of its refusal', () => {
  const post = async (status: number, body: string, datatype = 'FP32') => {
    const refusing = createServer((_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(body)
    })
    refusing.listen(0, '127.0.0.1')
    await once(refusing, 'listening')
    const { port } = refusing.address() as AddressInfo
    const posting = {
      url: `http://127.0.0.1:${port}/`,
      headers: undefined,
      signal: AbortSignal.timeout(5000),
    }
    const error = await postJson({ id: '1', inputs: [{ datatype }] }, posting).catch(
      (cause: unknown) => cause,
    )
    refusing.close()
    return errorToData(error)
  }

  test('is told as data, and the advice is not about the URL', async () => {
    const { code, message, details } = await post(400, '{"error": "unexpected shape for input \'x\'"}')
    expect({ code, details }).toEqual({
      code: 'remote/invalid',
      details: { status: 400, said: "unexpected shape for input 'x'" },
    })
    expect(message).toContain('is the status 400: it refuses what it was asked')
    expect(message).not.toMatch(/remote\.url|unexpected shape/)
  })

  test('has other advice than wrong contents, and these than what is no answer at all', () => {
    const tensor = { name: 'y', shape: [2], datatype: 'FP32', data: [1] }
    for (const outputs of [[], [tensor], [{ ...tensor, datatype: 'X' }], [{ ...tensor, data: ['a', 'b'] }]]) {
      expect(() => fromJson({ outputs }, '1', ['y'])).toThrow(/must serve the model that the contract is of/)
      expect(() => fromJson({ outputs }, '1', ['y'])).not.toThrow(/remote\.url/)
    }
    expect(() => fromJson({ outputs: 4 }, '1', ['y'])).toThrow(/Check fallback\.remote\.url/)
    expect(() => fromJson({ id: '2', outputs: [tensor] }, '1', ['y'])).toThrow(/mixes requests up/)
  })

  test('is left out where it is no text, is too long to read, or may quote a text that was asked', async () => {
    for (const body of [
      '{"error": {"no": "text"}}',
      '{}',
      '[]',
      'null',
      'oh',
      `{"error": "${'x '.repeat(40_000)}"}`,
    ]) {
      expect((await post(422, body)).details).toEqual({ status: 422 })
    }
    expect((await post(400, '{"error": "bad: my diary"}', 'BYTES')).details).toEqual({ status: 400 })
    expect((await post(503, '{"error": "later"}')).details).toEqual({ status: 503 })
  })

  test('is an excerpt without numbers, tokens and breaks', () => {
    const said = (error: unknown) => excerptOf({ error })
    expect(said('got 61.5, -3e-7, .5, 1_000 and True\n\u202Eat row 7')).toBe(
      'got …, …, …, …_… and … at row …',
    )
    expect(said(`bad ${'aGVsbG8'.repeat(9)} here`)).toBe('bad … here')
    expect(said('very long '.repeat(100))).toHaveLength(201)
    expect(said(`${'a '.repeat(99)}a🐌🐌`)).toBe(`${'a '.repeat(99)}a…`)
    expect([said(''), said(' \n'), said(5), excerptOf(null), excerptOf('error')]).toEqual(
      Array(5).fill(undefined),
    )
  })
})

describe('tensors in JSON', () => {
  const EXTREMES: Readonly<Record<string, readonly (number | bigint | boolean | string)[]>> = {
    float32: [0.1, -0.5, 3.4028234663852886e38],
    float64: [0.1, -1e-300, Number.MAX_VALUE],
    float16: [0.5, -65504, 2 ** -24],
    int64: [-(2n ** 63n), 2n ** 63n - 1n, 5n],
    uint64: [0n, 2n ** 64n - 1n, 2n ** 53n],
    bool: [true, false],
    string: ['', 'ß 🐌', '"'],
  }

  test.each(DTYPES)('%s comes back as it went', (dtype) => {
    const values = EXTREMES[dtype] ?? [0, 1, 127]
    const data = allocate(dtype, values.length)
    fill(data, dtype, values)
    const feeds: Feeds = { x: { dtype, dims: [values.length], data } }
    const sent: unknown = JSON.parse(JSON.stringify({ outputs: toJson(feeds) }))
    const { x } = fromJson(sent, '1', ['x']).results
    expect(x).toEqual(readable({ dtype, dims: [values.length], data }))
  })

  test('NaN is not sent, and is read where a server writes it as a text', () => {
    const nan: Feeds = { x: { dtype: 'float32', dims: [1], data: Float32Array.of(Number.NaN) } }
    expect(() => toJson(nan)).toThrow('holds NaN or an infinity in "x"')
    const outputs = [{ name: 'x', shape: [2], datatype: 'FP32', data: ['NaN', '-Infinity'] }]
    expect(fromJson({ outputs }, '1', ['x']).results['x']?.data).toEqual(Float32Array.of(NaN, -Infinity))
  })

  test.each([
    [null, 'no answer of the Open Inference Protocol'],
    [{ error: 'no such model' }, 'at "outputs"'],
    [{ outputs: [{ name: 'x', shape: [-1], datatype: 'FP32', data: [] }] }, 'at "outputs.0.shape.0"'],
    [{ outputs: [{ name: 'x', shape: [1], datatype: 'FP128', data: [1] }] }, 'of a datatype that is none'],
    [{ outputs: [{ name: 'x', shape: [2], datatype: 'FP32', data: [1] }] }, 'has the shape [2], and gives 1'],
    [{ outputs: [{ name: 'x', shape: [1], datatype: 'INT8', data: [400] }] }, 'that is no int8'],
    [{ outputs: [{ name: 'x', shape: [1], datatype: 'INT64', data: [2 ** 60] }] }, 'that is no int64'],
    [{ outputs: [{ name: 'x', shape: [1], datatype: 'FP32', data: ['secret'] }] }, 'that is no float32'],
    [{ outputs: [] }, 'lacks the output "x"'],
    [{ id: '2', outputs: [] }, 'the answer to another request'],
  ])('%j is refused without being quoted', (answer, words) => {
    let refused: AfieldError | undefined
    try {
      fromJson(answer, '1', ['x'])
    } catch (error) {
      refused = error as AfieldError
    }
    expect(refused).toMatchObject({
      code: 'remote/invalid',
      message: expect.stringContaining(words) as string,
    })
    expect(refused?.message).not.toContain('secret')
  })

  test('a server that has no version to name may say so, or say nothing', () => {
    const outputs = [{ name: 'x', shape: [1], datatype: 'FP32', data: [1], parameters: null }]
    for (const unsaid of [{}, { id: null, model_version: null, parameters: null }]) {
      const { results, version } = fromJson({ model_name: 'm', ...unsaid, outputs }, '1', ['x'])
      expect(version).toBeUndefined()
      expect(results['x']?.data).toEqual(Float32Array.of(1))
    }
  })

  test('nested rows are as good as flat ones', () => {
    const outputs = [
      {
        name: 'x',
        shape: [2, 2],
        datatype: 'INT32',
        data: [
          [1, 2],
          [3, 4],
        ],
      },
    ]
    expect(fromJson({ outputs }, '1', ['x']).results['x']?.data).toEqual(Int32Array.of(1, 2, 3, 4))
  })
})
