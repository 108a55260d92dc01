import { randomUUID } from 'node:crypto'
import { copyFile, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { constants, gunzipSync, gzipSync } from 'node:zlib'
import { fetchVersion, initRepository, openSource, publish, type FetchOptions } from '@afield/cli'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startServer, type StaticServer } from '../servers/static.js'
import { learnerRisk, makeExample } from '../support/learner-risk.js'
import { randomLayer, writeModel } from './onnx-model.js'
import { afield, copyRepository, temporaryFolder, writeJson } from './workspace.js'

const model = 'learner-risk'
const version = '1.0.0'

let dir: string
let original: string
let repo: string
let out: string
let server: StaticServer

beforeAll(async () => {
  dir = await temporaryFolder()
  original = await makeExample(join(dir, 'original'), ['1.0.0', '2.0.0'])
})

beforeEach(async () => {
  repo = await copyRepository(original)
  out = join(dir, randomUUID())
  server = await startServer({ mounts: { '/live': repo } })
})

afterEach(() => server.close())

const root = async () => new Uint8Array(await readFile(join(original, 'metadata', '1.root.json')))
const overHttp = (options: Partial<FetchOptions> = {}) =>
  fetchVersion({
    source: openSource(`${server.url}/live`, { attempts: 3, firstDelayMs: 1 }),
    model,
    version,
    out,
    ...options,
  })
/** The stored chunk of a version's model. */
async function chunkPath(): Promise<string> {
  const fetched = join(dir, randomUUID())
  await fetchVersion({ source: openSource(original), model, version, out: fetched })
  const descriptor = JSON.parse(
    await readFile(join(fetched, 'learner-risk-1.0.0.descriptor.json'), 'utf8'),
  ) as { artifacts: { files: { chunks: { sha256: string }[] }[] }[] }
  const hash = descriptor.artifacts[0]?.files[0]?.chunks[0]?.sha256 ?? ''
  return `chunks/${hash.slice(0, 2)}/${hash}`
}

describe('a version is fetched', () => {
  test.each([['a folder'], ['HTTP']])('from %s, byte for byte what was published', async (from) => {
    const source = openSource(from === 'HTTP' ? `${server.url}/live/` : repo)
    const fetched = await fetchVersion({ source, model, version, out, root: await root() })
    expect(fetched).toMatchObject({ version: '1.0.0', bytes: 393, root: { trust: 'given' }, revoked: false })
    expect(await readdir(out)).toEqual([
      'learner-risk-1.0.0.descriptor.json',
      'learner-risk-1.0.0.golden.json',
      'learner-risk-1.0.0.onnx',
    ])
    const bytes = await readFile(join(out, 'learner-risk-1.0.0.onnx'))
    expect(Buffer.compare(bytes, await readFile(learnerRisk('1.0.0')))).toBe(0)
  })

  test('the newest release when none is named', async () => {
    const { version: newest } = await fetchVersion({ source: openSource(repo), model, out })
    expect(newest).toBe('2.0.0')
  })

  test('what was fetched can be published again, and gives the same chunks', async () => {
    await fetchVersion({ source: openSource(repo), model, version, out })
    const { config } = { config: learnerRisk('1.0.0').replace(/models\/.*/, 'afield.config.json') }
    await copyFile(
      learnerRisk('1.0.0').replace('.onnx', '.metrics.json'),
      join(out, 'learner-risk-1.0.0.metrics.json'),
    )
    const again = await publish({
      repo,
      model: join(out, 'learner-risk-1.0.0.onnx'),
      config,
      version: '3.0.0-again',
    })
    expect(again).toMatchObject({ replay: 'passed', vectors: 12 })
    expect(again.updateBytes).toBeGreaterThan(0)
  })

  test('months later, when nobody refreshed it, if that is asked for', async () => {
    const now = new Date(Date.now() + 200 * 86_400_000)
    const late = { source: openSource(repo), model, version, out, now }
    await expect(fetchVersion(late)).rejects.toMatchObject({ code: 'manifest/expired' })
    expect(await fetchVersion({ ...late, expired: 'allowed' })).toMatchObject({ bytes: 393 })
  })

  test('with its external data and assets', async () => {
    const layer = randomLayer(2, 1, 1)
    const models = await temporaryFolder()
    await writeFile(join(models, 'labels.txt'), 'low\nhigh\n')
    await writeFile(join(models, 'weights.bin'), Buffer.from(layer.weights.buffer))
    const path = await writeModel(models, 'm', [layer], {
      external: [{ location: 'weights.bin', offset: '0', length: '8' }],
      change: { assets: ['labels.txt'] },
    })
    await publish({ repo, model: path, version: '4.0.0' })
    const fetched = await fetchVersion({
      source: openSource(repo),
      model,
      version: '4.0.0',
      out,
    })
    expect(fetched.files.slice(0, 3)).toEqual(['learner-risk-4.0.0.onnx', 'weights.bin', 'labels.txt'])
    expect(await readFile(join(out, 'labels.txt'), 'utf8')).toBe('low\nhigh\n')
    expect(await readFile(join(out, 'weights.bin'))).toEqual(await readFile(join(models, 'weights.bin')))
  })
})

describe('nothing is left behind when', () => {
  /** The code of a refusal, after which nothing may lie where it would have written. */
  const refusal = async (attempt: Promise<unknown>): Promise<unknown> => {
    const error = await attempt.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    await expect(readdir(out)).rejects.toMatchObject({ code: 'ENOENT' })
    expect((await readdir(dir)).filter((name) => name.endsWith('.tmp'))).toEqual([])
    return (error as { code?: unknown } | undefined)?.code
  }

  test('the root is that of another repository', async () => {
    const other = join(dir, randomUUID())
    await initRepository({ repo: other })
    const foreign = new Uint8Array(await readFile(join(other, 'metadata', '1.root.json')))
    expect(await refusal(overHttp({ root: foreign }))).toBe('manifest/signature')
  })

  test('a chunk was changed', async () => {
    server.fault('/live/chunks/**', { kind: 'corrupt' })
    expect(await refusal(overHttp())).toBe('chunk/hash-mismatch')
  })

  test('a chunk was cut', async () => {
    server.fault('/live/chunks/**', { kind: 'truncate' })
    expect(await refusal(overHttp())).toBe('chunk/hash-mismatch')
  })

  test('a chunk never ends', async () => {
    server.fault('/live/chunks/**', { kind: 'endless' })
    expect(await refusal(overHttp())).toBe('chunk/size-mismatch')
  })

  test('a chunk inflates to more than was promised', async () => {
    const bomb = gzipSync(Buffer.alloc(200_000))
    expect(bomb.length).toBeLessThan(393)
    await writeFile(join(repo, await chunkPath()), bomb)
    expect(await refusal(overHttp())).toBe('chunk/hash-mismatch')
    await writeFile(join(repo, await chunkPath()), gzipSync(Buffer.alloc(50_000_000)))
    expect(await refusal(overHttp())).toBe('chunk/size-mismatch')
  })

  test('a chunk is packed otherwise than was signed', async () => {
    const file = join(repo, await chunkPath())
    await writeFile(file, gzipSync(gunzipSync(await readFile(file)), { strategy: constants.Z_FIXED }))
    expect(await refusal(overHttp())).toBe('chunk/size-mismatch')
  })

  test('a chunk is not there', async () => {
    await rm(join(repo, await chunkPath()))
    expect(await refusal(overHttp())).toBe('chunk/unavailable')
  })

  test('the descriptor was changed', async () => {
    server.fault('/live/descriptors/**', { kind: 'corrupt' })
    expect(await refusal(overHttp())).toBe('manifest/hash-mismatch')
  })

  test('a web page answers for everything', async () => {
    server.fault('/live/**', { kind: 'html' })
    expect(await refusal(overHttp())).toBe('manifest/invalid')
  })

  test('the server stays down', async () => {
    server.fault('/live/metadata/timestamp.json', { kind: 'status', status: 503 })
    expect(await refusal(overHttp())).toBe('manifest/unavailable')
  })

  test('it is stopped', async () => {
    const controller = new AbortController()
    server.fault('/live/chunks/**', { kind: 'delay', ms: 5000 })
    const stopped = overHttp({ signal: controller.signal })
    setTimeout(() => controller.abort(new Error('stopped')), 50)
    await expect(stopped).rejects.toThrow('stopped')
    await expect(readdir(out)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('there is no such model or version', async () => {
    expect(await refusal(overHttp({ model: 'other' }))).toBe('model/not-found')
    expect(await refusal(overHttp({ version: '9.0.0' }))).toBe('version/unknown')
  })
})

test('a server that comes back is asked again', async () => {
  server.fault('/live/**', { kind: 'status', status: 503, times: 2 })
  expect(await overHttp()).toMatchObject({ bytes: 393 })
})

test('a page in place of the next root counts as none', async () => {
  server.fault('/live/metadata/2.root.json', { kind: 'html' })
  expect(await overHttp()).toMatchObject({ bytes: 393 })
})

test('a folder with something in it is left alone', async () => {
  const full = await temporaryFolder()
  await writeJson(join(full, 'notes.json'), {})
  await expect(overHttp({ out: full })).rejects.toMatchObject({ code: 'out/not-empty' })
  expect(await readdir(full)).toEqual(['notes.json'])
})

test('the command says which root it trusted', async () => {
  const args = ['fetch', 'learner-risk@1.0.0', '--from', `${server.url}/live`, '--out', out]
  const { code, stdout, stderr } = await afield(args)
  expect(code).toBe(0)
  expect(stdout).toContain('393 bytes, every one verified.\n  learner-risk-1.0.0.onnx')
  expect(stderr).toMatch(
    /^Warning: no --root was given, so the repository's own was trusted \(SHA-256 [0-9a-f]{64}\)/,
  )
  const again = [
    ...args.slice(0, -1),
    `${out}-2`,
    '--root',
    join(original, 'metadata', '1.root.json'),
    '--json',
  ]
  const known = await afield(again)
  expect(known.stderr).toBe('')
  expect(JSON.parse(known.stdout)).toMatchObject({ version: '1.0.0', root: { trust: 'given' } })
})
