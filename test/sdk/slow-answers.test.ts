import { LIMITS } from 'afield/node'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { fetchBytes } from '../../packages/sdk/dist/keeper/fetch-bytes.js'
import { TestClock } from './support/clock.js'
import { loadedDevice, servedVersion, startDevice } from './support/devices.js'
import { MODEL, makeRepository, type TestRepository } from './support/repository.js'

let repository: TestRepository

beforeAll(async () => {
  repository = await makeRepository(['1.0.0'])
})

afterEach(() => repository.server.clearFaults())

/** Resolves once the server has begun to answer a request for such a path. */
async function requested(path: RegExp): Promise<void> {
  await expect.poll(() => repository.requests().some((one) => path.test(one))).toBe(true)
}

/** The code with which a load ends that is given up after this time and not before. */
async function codeAfter(ms: number, path: RegExp): Promise<unknown> {
  repository.server.clearRequests()
  const clock = new TestClock()
  const device = startDevice(repository, { clock })
  let outcome: unknown
  const load = device.load(MODEL).catch((error: unknown) => (outcome = error))
  await requested(path)
  clock.advance(ms - 1)
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(outcome).toBeUndefined()
  clock.advance(1)
  await load
  repository.server.clearFaults()
  await device.load(MODEL)
  expect(await servedVersion(device)).toBe('1.0.0')
  return outcome
}

describe('given up after a stated time', () => {
  test('metadata that drips in', async () => {
    repository.server.fault('/repository/metadata/timestamp.json', { kind: 'drip', bytesPerSecond: 10 })
    expect(await codeAfter(LIMITS.metadataTimeoutMs, /timestamp/)).toMatchObject({
      code: 'manifest/unavailable',
      cause: expect.objectContaining({ message: expect.stringMatching(/^only \d+ bytes came within 20 s$/) }),
    })
  })

  test('metadata that never begins to come', async () => {
    repository.server.fault('/repository/metadata/*.snapshot.json', { kind: 'delay', ms: 60_000 })
    expect(await codeAfter(LIMITS.metadataTimeoutMs, /snapshot/)).toMatchObject({
      code: 'manifest/unavailable',
    })
  })

  test('a chunk of which no byte comes', async () => {
    repository.server.fault('/repository/chunks/**', { kind: 'delay', ms: 60_000 })
    expect(await codeAfter(LIMITS.stallTimeoutMs, /^chunks/)).toMatchObject({
      code: 'chunk/unavailable',
      cause: expect.objectContaining({ message: 'only 0 bytes came within 20 s' }),
    })
  })
})

describe('a chunk that drips in', () => {
  test('is given up, though a byte comes now and then', async () => {
    repository.server.fault('/repository/chunks/**', { kind: 'drip', bytesPerSecond: 60 })
    repository.server.clearRequests()
    const clock = new TestClock()
    const load = startDevice(repository, { clock }).load(MODEL)
    const outcome = load.catch((error: unknown) => error)
    await requested(/^chunks/)
    // There are ten drips a second.
    await new Promise((resolve) => setTimeout(resolve, 150))
    clock.advance(LIMITS.stallTimeoutMs - 1)
    await new Promise((resolve) => setTimeout(resolve, 150))
    clock.advance(1)
    expect(await outcome).toMatchObject({
      code: 'chunk/unavailable',
      cause: expect.objectContaining({ message: expect.stringMatching(/^only \d+ bytes came within 20 s$/) }),
    })
  })

  test('fast enough for its timer is taken whole', async () => {
    const clock = new TestClock()
    const body = new TransformStream<Uint8Array, Uint8Array>()
    const writer = body.writable.getWriter()
    const ports = { fetch: () => Promise.resolve(new Response(body.readable)), clock }
    const bytes = fetchBytes(ports, 'https://example.org/', {
      path: 'chunk',
      file: 'chunk',
      maxBytes: 2 ** 20,
      cache: 'default',
      unavailable: 'chunk/unavailable',
      tooLarge: 'chunk/size-mismatch',
      floorBytes: 16 * 1024,
      withinMs: LIMITS.stallTimeoutMs,
    })
    for (let i = 0; i < 5; i++) {
      await writer.write(new Uint8Array(16 * 1024))
      await new Promise((resolve) => setTimeout(resolve, 5))
      clock.advance(LIMITS.stallTimeoutMs - 1)
    }
    await writer.close()
    expect((await bytes)?.length).toBe(5 * 16 * 1024)
  })
})

describe('given up at its limit in bytes', () => {
  test.each([
    ['metadata', '/repository/metadata/timestamp.json', 'manifest/too-large'],
    ['a document', '/repository/targets/**', 'manifest/too-large'],
    ['a chunk', '/repository/chunks/**', 'chunk/size-mismatch'],
  ])('%s without end', async (_, pattern, code) => {
    repository.server.fault(pattern, { kind: 'endless' })
    await expect(startDevice(repository).load(MODEL)).rejects.toMatchObject({ code })
  })
})

test.each(['metadata/timestamp.json', 'metadata/*.snapshot.json', 'metadata/*.targets.json', 'targets/**'])(
  'a %s without end leaves what serves, and the next check succeeds',
  async (pattern) => {
    const { server, ...growing } = await makeRepository(['1.0.0'])
    const { device } = await loadedDevice(growing)
    await growing.publish('2.0.0')
    server.fault(`/repository/${pattern}`, { kind: 'endless' })
    await expect(device.check()).rejects.toMatchObject({ code: 'manifest/too-large' })
    expect(await servedVersion(device)).toBe('1.0.0')
    server.clearFaults()
    await device.check()
    expect(await servedVersion(device)).toBe('2.0.0')
  },
)

test('while a check hangs, predictions do not', async () => {
  const clock = new TestClock()
  const { device } = await loadedDevice(repository, { clock })
  repository.server.clearRequests()
  repository.server.fault('/repository/metadata/timestamp.json', { kind: 'delay', ms: 60_000 })
  const check = device.check()
  await requested(/timestamp/)
  expect(await servedVersion(device)).toBe('1.0.0')
  clock.advance(LIMITS.metadataTimeoutMs)
  await expect(check).rejects.toMatchObject({ code: 'manifest/unavailable' })
})
