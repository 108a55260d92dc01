import { randomUUID } from 'node:crypto'
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { cutFile, diskFiles, initRepository, initializerSpans, publish, verify } from '@afield/cli'
import { sha256, type Chunk } from '@afield/protocol'
import fc from 'fast-check'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { prepareChunks } from '../../packages/cli/src/publish/chunks/store.js'
import { learnerRisk, publishExample } from '../support/learner-risk.js'
import { beforeWrites } from './crashes.js'
import { download, look } from './device.js'
import { onnxModel, randomLayer, writeModel, type Layer } from './onnx-model.js'
import { temporaryFolder } from './workspace.js'

const KIB = 1024
const MIB = 1024 * KIB

/** Chunks of a model by hash, as `publish` cuts them before it packs them. */
async function chunksOf(model: Uint8Array): Promise<ReadonlyMap<string, number>> {
  const spans = cutFile(model, initializerSpans(model))
  const named = spans.map(
    async ({ start, end }) => [await sha256(model.slice(start, end)), end - start] as const,
  )
  return new Map(await Promise.all(named))
}

function bytesNotIn(chunks: ReadonlyMap<string, number>, held: ReadonlyMap<string, number>): number {
  return [...chunks].filter(([name]) => !held.has(name)).reduce((sum, [, size]) => sum + size, 0)
}

/** 2 → 1024 → … → 1024: nine layers of 4 MiB, the same in every model here. */
const FIRST_LAYERS = [
  randomLayer(2, 1024, 100),
  ...Array.from({ length: 9 }, (_, i) => randomLayer(1024, 1024, i + 1)),
]

/** With a last layer of 1 MiB it has 38.8 MB. */
function largeModel(last: Layer): readonly Layer[] {
  return [...FIRST_LAYERS, last]
}

describe('a 38 MB model', () => {
  const before = largeModel(randomLayer(1024, 256, 200))
  let held: ReadonlyMap<string, number>

  beforeAll(async () => {
    held = await chunksOf(onnxModel(before))
  })

  test.each<[string, Layer]>([
    ['new weights in its last layer', randomLayer(1024, 256, 201)],
    ['a wider last layer', randomLayer(1024, 300, 202)],
    ['a tiny last layer', randomLayer(1024, 1, 203)],
  ])('republished with %s: little more than the change is fetched', async (_, last) => {
    const fetched = bytesNotIn(await chunksOf(onnxModel(largeModel(last))), held)
    expect(fetched).toBeGreaterThan(0)
    expect(fetched).toBeLessThanOrEqual(1.1 * last.weights.byteLength + 4 * MIB)
  })

  test('is published, replayed and downloaded whole, and publish says what an update costs', async () => {
    const dir = await temporaryFolder()
    const repo = join(dir, 'repo')
    await initRepository({ repo })
    const first = await publish({ repo, model: await writeModel(dir, 'a', before), version: '1.0.0' })
    expect(first).toMatchObject({ replay: 'passed', updateBytes: first.downloadBytes })
    expect(first.size).toBeGreaterThan(38_000_000)
    // The exponents of float32 weights repeat, also where the weights are random.
    expect(first.downloadBytes).toBeLessThan(0.97 * first.size)

    const last = randomLayer(1024, 256, 201)
    const model = await writeModel(dir, 'b', largeModel(last))
    const second = await publish({ repo, model, version: '1.1.0' })
    expect(second.updateBytes).toBeLessThanOrEqual(1.1 * last.weights.byteLength + 4 * MIB)
    console.log(
      `38 MB, last layer of 1 MiB changed: ${second.updateBytes} of ${second.downloadBytes} bytes fetched`,
    )
    const downloaded = await download(repo, await look(repo, 'learner-risk'), '1.1.0')
    expect(Buffer.compare(downloaded.model, await readFile(model))).toBe(0)
  }, 60_000)

  test('a tensor keeps its chunks when the one before it grows', async () => {
    const [first, second, ...rest] = before
    const grown = [first, randomLayer(1024, 1100, 7), randomLayer(1100, 1024, 8), ...rest.slice(1)]
    expect(second?.columns).toBe(1024)
    const changed = 2 * 1024 * 1100 * 4
    const model = onnxModel(grown.filter((layer) => layer !== undefined))
    expect(bytesNotIn(await chunksOf(model), held)).toBeLessThanOrEqual(1.1 * changed + 4 * MIB)
  })
})

describe('chunks', () => {
  test('whatever the tensors: they join to the file, within the limits, and come out the same again', () => {
    const bytes = new Uint8Array(randomLayer(1024, 1400, 9).weights.buffer)
    const at = fc.nat({ max: bytes.length })
    const tensors = fc.array(fc.record({ start: at, end: at }), { maxLength: 12 })
    fc.assert(
      fc.property(fc.nat({ max: bytes.length }), tensors, (length, spans) => {
        const file = bytes.subarray(0, length)
        const inFile = spans.filter(({ start, end }) => start <= end && end <= length)
        const chunks = cutFile(file, inFile)
        expect(chunks.map(({ start }) => start)).toEqual(
          [0, ...chunks.map(({ end }) => end)].slice(0, chunks.length),
        )
        expect(chunks.at(-1)?.end ?? 0).toBe(length)
        const sizes = chunks.map(({ start, end }) => end - start)
        expect(Math.min(length, ...sizes)).toBeGreaterThanOrEqual(Math.min(length, 256 * KIB))
        expect(Math.max(0, ...sizes)).toBeLessThanOrEqual(4 * MIB)
        expect(cutFile(file.slice(), inFile)).toEqual(chunks)
      }),
      { numRuns: 15 },
    )
  })

  test('join to the file, and none is below 256 KiB or above 4 MiB', () => {
    const random = onnxModel(largeModel(randomLayer(1024, 256, 1)))
    const zeros = new Uint8Array(9 * MIB + 5)
    const almostTwo = new Uint8Array(4 * MIB + 100)
    for (const bytes of [random, zeros, almostTwo]) {
      const spans = cutFile(bytes, bytes === random ? initializerSpans(bytes) : [])
      expect(spans[0]?.start).toBe(0)
      expect(spans.at(-1)?.end).toBe(bytes.length)
      for (const [i, { start, end }] of spans.entries()) {
        expect(start).toBe(spans[i - 1]?.end ?? 0)
        expect(end - start).toBeGreaterThanOrEqual(256 * KIB)
        expect(end - start).toBeLessThanOrEqual(4 * MIB)
      }
    }
  })

  test('hold about 1 MiB of ordinary weights', () => {
    const weights = new Uint8Array(randomLayer(4096, 4096, 5).weights.buffer)
    const average = weights.length / cutFile(weights, []).length
    expect(average).toBeGreaterThan(0.7 * MIB)
    expect(average).toBeLessThan(1.5 * MIB)
  })

  test('an insertion in the middle changes only the chunks around it', async () => {
    const weights = new Uint8Array(randomLayer(2048, 4096, 6).weights.buffer)
    const middle = weights.length / 2
    const inserted = Buffer.concat([
      weights.subarray(0, middle),
      Buffer.from('more'),
      weights.subarray(middle),
    ])
    const named = async (bytes: Uint8Array) => {
      const hashes = cutFile(bytes, []).map(({ start, end }) => sha256(bytes.slice(start, end)))
      return new Set(await Promise.all(hashes))
    }
    const before = await named(weights)
    const after = await named(inserted)
    expect([...after].filter((hash) => !before.has(hash)).length).toBeLessThanOrEqual(3)
  })

  test('a file smaller than the minimum is one chunk, an empty one is none', () => {
    expect(cutFile(new Uint8Array(1000), [])).toEqual([{ start: 0, end: 1000 }])
    expect(cutFile(new Uint8Array(), [])).toEqual([])
  })
})

describe('in the repository', () => {
  let dir: string
  let repo: string
  let chunk: Chunk

  const path = ({ sha256: name }: Chunk): string => join(repo, 'chunks', name.slice(0, 2), name)
  const again = (version: string) => publish({ repo, model: learnerRisk('1.0.0'), version, skipReplay: true })
  const chunkOf = async (version: string) => {
    const { descriptor } = await download(repo, await look(repo, 'learner-risk'), version)
    return descriptor.artifacts[0]?.files[0]?.chunks[0]
  }

  beforeAll(async () => {
    dir = await temporaryFolder()
    repo = join(dir, 'repo')
    await initRepository({ repo })
    await again('1.0.0')
    const first = await chunkOf('1.0.0')
    if (!first) throw new Error('The version has no chunk.')
    chunk = first
  })

  test('a chunk is gzipped where that saves 3 %, and named by what it holds', async () => {
    const stored = await readFile(path(chunk))
    expect(chunk).toMatchObject({ encoding: 'gzip', encodedSize: stored.length, size: 393 })
    const decoded = new Uint8Array(gunzipSync(stored))
    expect(await sha256(decoded)).toBe(chunk.sha256)
    expect(stored.length).toBeLessThanOrEqual(0.97 * 393)
  })

  test('the same bytes give the same chunks, and are written once', async () => {
    const published = await again('1.0.1')
    expect(await chunkOf('1.0.1')).toEqual(chunk)
    expect(published).toMatchObject({ previous: '1.0.0', updateBytes: 0, downloadBytes: chunk.encodedSize })
    expect(await readdir(join(repo, 'chunks', chunk.sha256.slice(0, 2)))).toEqual([chunk.sha256])
  })

  test('a chunk keeps the encoding that it has there', async () => {
    const stored = await readFile(path(chunk))
    await writeFile(path(chunk), gunzipSync(stored))
    await again('1.0.2')
    expect(await chunkOf('1.0.2')).toEqual({ sha256: chunk.sha256, size: 393 })
    await writeFile(path(chunk), stored)
  })

  test('one that another zlib packed stays as it is, and its size is what is signed', async () => {
    const stored = await readFile(path(chunk))
    const theirs = gzipSync(gunzipSync(stored), { level: 0 })
    await writeFile(path(chunk), theirs)
    await again('1.0.4')
    expect(await readFile(path(chunk))).toEqual(theirs)
    expect(await chunkOf('1.0.4')).toEqual({ ...chunk, encodedSize: theirs.length })
    await writeFile(path(chunk), stored)
  })

  describe('one that somebody else writes meanwhile', () => {
    let place: string
    let root: string

    beforeEach(async () => {
      place = join(dir, randomUUID())
      ;({ root } = await initRepository({ repo: place }))
    })

    const at = (): string => `chunks/${chunk.sha256.slice(0, 2)}/${chunk.sha256}`
    const publishBeside = async (theirs: Uint8Array) => {
      const files = beforeWrites(diskFiles(place), async (written) => {
        if (written === at()) await diskFiles(place).create(written, theirs)
      })
      await publishExample(place, '1.0.0', { files })
    }

    test('and packs otherwise stays, nothing is signed, and the next try takes it', async () => {
      const theirs = gzipSync(gunzipSync(await readFile(path(chunk))), { level: 0 })
      await expect(publishBeside(theirs)).rejects.toMatchObject({ code: 'repository/conflict' })
      expect((await look(place, 'learner-risk')).index).toBeUndefined()
      await publishExample(place, '1.0.0')
      expect(await readFile(join(place, at()))).toEqual(theirs)
      expect((await verify({ repo: place, root })).problems).toEqual([])
    })

    test('and packs alike counts as ours', async () => {
      await publishBeside(await readFile(path(chunk)))
      expect((await verify({ repo: place, root })).problems).toEqual([])
    })
  })

  test.each([0, 1, 30])(
    'one that was lost is made again as it is listed, %i bytes longer',
    async (longer) => {
      const place = join(dir, `lost-${longer}`)
      const lost = { repo: place, model: learnerRisk('1.0.0'), skipReplay: true }
      await initRepository({ repo: place })
      const stored = await readFile(path(chunk))
      const [header, rest] = [Buffer.from(stored.subarray(0, 10)), stored.subarray(10)]
      const name = Buffer.alloc(longer, 'x')
      if (longer > 0) {
        header[3] = 0x08
        name[longer - 1] = 0
      }
      const packed = Buffer.concat([header, name, rest])
      const file = join(place, 'chunks', chunk.sha256.slice(0, 2), chunk.sha256)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, packed)
      await publish({ ...lost, version: '1.0.0' })
      await rm(file)
      await publish({ ...lost, version: '1.0.1' })
      expect(await readFile(file)).toHaveLength(packed.length)
      const { problems } = await verify({ repo: place, root: join(place, 'metadata', '1.root.json') })
      expect(problems).toEqual([])
    },
  )

  test('one that was lost and cannot be packed as tightly again names the versions', async () => {
    const bytes = new Uint8Array(gunzipSync(await readFile(path(chunk))))
    const listed = [{ chunk: { ...chunk, encodedSize: 20 }, version: 'learner-risk@1.0.0' }]
    const span = { start: 0, end: bytes.length }
    const files = diskFiles(join(dir, 'empty'))
    const prepared = prepareChunks(
      files,
      bytes,
      [span],
      () => Promise.resolve(listed),
      () => undefined,
    )
    await expect(prepared).rejects.toMatchObject({
      code: 'repository/damaged',
      message: expect.stringContaining('as learner-risk@1.0.0 list it'),
    })
  })

  test('a damaged one is noticed, not trusted', async () => {
    const stored = await readFile(path(chunk))
    const damaged = Buffer.from(stored)
    damaged[30] = (damaged[30] ?? 0) ^ 1
    await writeFile(path(chunk), damaged)
    await expect(again('1.0.3')).rejects.toMatchObject({
      code: 'repository/damaged',
      message: expect.stringContaining(chunk.sha256),
    })
    await writeFile(path(chunk), stored)
    expect(Object.keys((await look(repo, 'learner-risk')).index?.versions ?? {})).not.toContain('1.0.3')
  })
})
