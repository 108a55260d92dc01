import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Descriptor } from '@afield/protocol'
import { localLocks, memoryStorage } from 'afield/node'
import { beforeEach, describe, expect, test } from 'vitest'
import { RECORD, loadedDevice, promisedRisk, servedVersion, startDevice } from './support/devices.js'
import { moveWeightsOut } from './support/external-data.js'
import { keepJournal } from './support/journal.js'
import { MODEL, makeRepository, type ExampleVersion, type TestRepository } from './support/repository.js'
import { chunkPath, cut, reshape } from './support/reshape.js'

let repository: TestRepository

beforeEach(async () => {
  repository = await makeRepository(['1.0.0'])
})

const chunkRequests = (): readonly string[] =>
  repository.requests().filter((path) => path.startsWith('chunks/'))

/** 1.0.0 in chunks of so many bytes. */
const inChunksOf = (chunkBytes: number, encode?: 'gzip'): Promise<Descriptor> =>
  reshape(repository, '1.0.0', async (model) => [
    { role: 'model', ...(await cut(repository.dir, model, chunkBytes, encode)) },
  ])

function chunksOf(descriptor: Descriptor): readonly string[] {
  return descriptor.artifacts.flatMap(({ files }) =>
    files.flatMap(({ chunks }) => chunks.map((c) => c.sha256)),
  )
}

describe('a model of many chunks', () => {
  test('is joined in order, each chunk fetched once, and progress counts up to the whole', async () => {
    const descriptor = await inChunksOf(30)
    const journal = keepJournal()
    const { device } = await loadedDevice(repository, journal)
    const { outputs } = await device.predict(MODEL, RECORD)
    expect(outputs['risk_score']).toBeCloseTo(await promisedRisk('1.0.0'), 3)
    expect([...chunkRequests()].sort()).toEqual([...new Set(chunksOf(descriptor))].map(chunkPath).sort())
    const loaded = journal.of('progress').map(({ loadedBytes }) => loadedBytes)
    expect(loaded).toEqual([...loaded].sort((a, b) => a - b))
    expect(journal.of('progress').at(-1)).toMatchObject({ loadedBytes: 393, totalBytes: 393 })
  })

  test('comes four chunks at a time, and no more', async () => {
    await inChunksOf(30)
    let underWay = 0
    let most = 0
    await loadedDevice(repository, {
      fetch: async (url, init) => {
        if (!url.includes('/chunks/')) return fetch(url, init)
        most = Math.max(most, ++underWay)
        try {
          await new Promise((resolve) => setTimeout(resolve, 5))
          return await fetch(url, init)
        } finally {
          underWay -= 1
        }
      },
    })
    expect(most).toBe(4)
  })

  test('an interrupted download keeps its chunks: the next visit fetches the rest and nothing twice', async () => {
    const hashes = chunksOf(await inChunksOf(30))
    const last = hashes.at(-1) ?? ''
    repository.server.fault(`/repository/${chunkPath(last)}`, { kind: 'cut' })
    const storage = memoryStorage()
    await expect(startDevice(repository, { storage }).load(MODEL)).rejects.toMatchObject({
      code: 'chunk/unavailable',
    })
    const held = (await storage.blobs.keys()).filter((key) => hashes.includes(key as never)).length
    expect(held).toBe(new Set(hashes).size - 1)

    repository.server.clearFaults()
    repository.server.clearRequests()
    const journal = keepJournal()
    const { device } = await loadedDevice(repository, { storage, ...journal })
    expect(await servedVersion(device)).toBe('1.0.0')
    expect(chunkRequests()).toEqual([chunkPath(last)])
    expect(journal.of('progress').map(({ loadedBytes }) => loadedBytes)).toEqual([393 - (393 % 30), 393])
  })

  test('an update fetches only the chunks that changed', async () => {
    const words = randomBytes(1000)
    const withWords = (version: '1.0.0' | '2.0.0', last: number): Promise<Descriptor> =>
      reshape(repository, version, async (model) => [
        { role: 'model', ...(await cut(repository.dir, model, 4096)) },
        {
          role: 'asset',
          path: 'words.bin',
          ...(await cut(repository.dir, Uint8Array.from([...words, last]), 100)),
        },
      ])
    const first = await withWords('1.0.0', 1)
    const { device } = await loadedDevice(repository)
    expect(chunkRequests()).toHaveLength(1 + 11)
    await repository.publish('2.0.0')
    const second = await withWords('2.0.0', 2)
    repository.server.clearRequests()
    await device.check()
    expect(await servedVersion(device)).toBe('2.0.0')
    const changed = chunksOf(second).filter((hash) => !chunksOf(first).includes(hash))
    expect(changed).toHaveLength(2)
    expect([...chunkRequests()].sort()).toEqual(changed.map(chunkPath).sort())
  })

  test('a damaged chunk in the HTTP cache is fetched once more, past it, and the others are not', async () => {
    const hashes = [...new Set(chunksOf(await inChunksOf(100)))]
    repository.server.fault(`/repository/${chunkPath(hashes[1] ?? '')}`, { kind: 'corrupt', times: 1 })
    await loadedDevice(repository)
    expect(chunkRequests()).toHaveLength(hashes.length + 1)
  })

  test('two tabs on one storage download it once', async () => {
    const hashes = new Set(chunksOf(await inChunksOf(30)))
    const shared = { storage: memoryStorage(), locks: localLocks() }
    const tabs = [startDevice(repository, shared), startDevice(repository, shared)]
    await Promise.all(tabs.map((tab) => tab.load(MODEL)))
    for (const tab of tabs) expect(await servedVersion(tab)).toBe('1.0.0')
    expect(chunkRequests()).toHaveLength(hashes.size)
  })
})

describe('gzipped chunks', () => {
  test('are unpacked, hashed and stored unpacked', async () => {
    const hashes = chunksOf(await inChunksOf(200, 'gzip'))
    const { device, storage } = await loadedDevice(repository)
    expect((await device.predict(MODEL, RECORD)).outputs['risk_score']).toBeCloseTo(
      await promisedRisk('1.0.0'),
      3,
    )
    const stored = await storage.blobs.getMany(hashes)
    expect(stored.map((bytes) => (bytes as Uint8Array).length)).toEqual([200, 193])
  })

  /** Signed as one chunk of the model, but what is served under its name is something else. */
  async function served(wire: Uint8Array, signed: { readonly encodedSize?: number } = {}): Promise<void> {
    await reshape(repository, newest, async (model) => {
      const { size, chunks } = await cut(repository.dir, model, model.length, 'gzip')
      const [chunk] = chunks
      if (!chunk) throw new Error('the model has no bytes')
      await writeFile(join(repository.dir, chunkPath(chunk.sha256)), wire)
      return [{ role: 'model', size, chunks: [{ ...chunk, encodedSize: wire.length, ...signed }] }]
    })
  }
  let newest: ExampleVersion = '1.0.0'
  const bomb = gzipSync(new Uint8Array(64 * 1024 * 1024))
  const longer = gzipSync(randomBytes(4000))
  const attacks: readonly (readonly [string, () => Promise<void>, string])[] = [
    ['a decompression bomb', () => served(bomb), 'chunk/size-mismatch'],
    ['gzip that is cut', () => served(longer.subarray(0, 300)), 'chunk/hash-mismatch'],
    ['no gzip at all', () => served(new Uint8Array(300)), 'chunk/hash-mismatch'],
    ['more than was signed on the wire', () => served(longer, { encodedSize: 100 }), 'chunk/size-mismatch'],
    ['less than was signed', () => served(gzipSync(new Uint8Array(10))), 'chunk/size-mismatch'],
    [
      'other bytes of the right size',
      () => served(gzipSync(new Uint8Array(newest === '1.0.0' ? 393 : 1373))),
      'chunk/hash-mismatch',
    ],
  ]
  test.each(attacks)('%s is refused, and nothing of it is kept', async (_what, attack, code) => {
    newest = '1.0.0'
    await attack()
    const storage = memoryStorage()
    const before = process.memoryUsage().arrayBuffers
    await expect(startDevice(repository, { storage }).load(MODEL)).rejects.toMatchObject({ code })
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024)
    // The descriptor is there; it was what was signed.
    expect(await storage.blobs.keys()).toHaveLength(1)
  })

  test.each(attacks)('%s in an update leaves the last good version serving', async (_what, attack, code) => {
    const { device } = await loadedDevice(repository)
    await repository.publish('2.0.0')
    newest = '2.0.0'
    await attack()
    await expect(device.check()).rejects.toMatchObject({ code })
    expect(await servedVersion(device)).toBe('1.0.0')
  })
})

describe('a descriptor that names the chunks of another model', () => {
  test('is believed: bytes are what their hash says, whoever stored them', async () => {
    const { device, storage } = await loadedDevice(repository)
    await repository.publish('2.0.0')
    await reshape(repository, '2.0.0', async (_own) => [
      { role: 'model', ...(await cut(repository.dir, await bytesOf(storage), 4096)) },
    ])
    repository.server.clearRequests()
    await device.check()
    // The bytes of 1.0.0 do not pass the golden vectors of 2.0.0.
    expect(await device.explain(MODEL)).toMatchObject({
      version: '1.0.0',
      failures: [{ version: '2.0.0', code: 'model/self-test-failed' }],
    })
    expect(chunkRequests()).toEqual([])
  })

  test('with another size is refused, also where the chunk is stored', async () => {
    const { device } = await loadedDevice(repository)
    await repository.publish('2.0.0')
    await reshape(repository, '2.0.0', async () => {
      const model = await readModel()
      const { chunks } = await cut(repository.dir, model, model.length)
      return [{ role: 'model', size: 400, chunks: chunks.map((chunk) => ({ ...chunk, size: 400 })) }]
    })
    await expect(device.check()).rejects.toMatchObject({ code: 'chunk/size-mismatch' })
    expect(await servedVersion(device)).toBe('1.0.0')
  })

  async function readModel(): Promise<Uint8Array<ArrayBuffer>> {
    let bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0)
    await reshape(repository, '1.0.0', async (model) => {
      bytes = model
      return [{ role: 'model', ...(await cut(repository.dir, model, model.length)) }]
    })
    return bytes
  }

  async function bytesOf({ blobs }: ReturnType<typeof memoryStorage>): Promise<Uint8Array<ArrayBuffer>> {
    const values = await blobs.getMany(await blobs.keys())
    const model = values.find((value) => value instanceof Uint8Array && value.length === 393)
    return model as Uint8Array<ArrayBuffer>
  }
})

describe('a model with external data and assets', () => {
  test('is given its weights, and its assets are stored with it', async () => {
    const asset = new TextEncoder().encode('low\nhigh\n')
    const descriptor = await reshape(repository, '1.0.0', async (whole) => {
      const { model, weights } = moveWeightsOut(whole, 'weights/risk.bin')
      return [
        { role: 'model', ...(await cut(repository.dir, model, 100)) },
        { role: 'external-data', path: 'weights/risk.bin', ...(await cut(repository.dir, weights, 16)) },
        { role: 'asset', path: 'labels.txt', ...(await cut(repository.dir, asset, 4)) },
      ]
    })
    const { device, storage } = await loadedDevice(repository)
    expect((await device.predict(MODEL, RECORD)).outputs['risk_score']).toBeCloseTo(
      await promisedRisk('1.0.0'),
      3,
    )
    expect(await storage.blobs.keys()).toEqual(expect.arrayContaining([...chunksOf(descriptor)]))

    await device.close()
    await repository.server.stop()
    const next = await loadedDevice(repository, { storage })
    expect(await servedVersion(next.device)).toBe('1.0.0')
  })
})
