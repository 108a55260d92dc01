import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { countOwnLines } from '../../bundlers/support/own-lines.js'
import { npm, pack } from '../../bundlers/support/packages.js'
import { figure, type Figure } from '../figure.js'
import { bundled, engineAlone } from './bundled.js'
import { benchDev } from './dev.js'

const DIST = join(import.meta.dirname, '..', '..', '..', 'packages', 'sdk', 'dist')
const KB = 1000
const MB = 1_000_000

/** What Afield costs an app to download and a developer to install; gzipped where it goes over the wire. */
export async function benchSizes(): Promise<readonly Figure[]> {
  const router = await bundled(`import { createAfield } from 'afield'; globalThis.create = createAfield`)
  const engine = await gzipped(join(DIST, 'engine.worker.js'))
  const keeper = await gzipped(join(DIST, 'keeper.worker.js'))
  const ort = join(DIST, 'ort', 'ort-wasm-simd-threaded')
  const runtimeOf = async (build: string): Promise<number> =>
    (await gzipped(`${ort}${build}.mjs`)) + (await gzipped(`${ort}${build}.wasm`))
  const runtime = await runtimeOf('')
  const standalone = await gzipped(join(DIST, 'standalone.js'))
  const own = router.first + router.predicting + engine + keeper
  return [
    figure('sizes/router', 'kB', [router.first / KB], { most: 8 }),
    figure('sizes/router-for-a-prediction', 'kB', [router.predicting / KB]),
    figure('sizes/router-on-demand', 'kB', [router.later / KB]),
    figure('sizes/standalone', 'kB', [standalone / KB]),
    figure('sizes/engine-without-onnxruntime', 'kB', [(await engineAlone()) / KB], { most: 30 }),
    figure('sizes/engine', 'kB', [engine / KB]),
    figure('sizes/keeper', 'kB', [keeper / KB], { most: 30 }),
    ...(await onDemand()),
    // What a device with a GPU downloads besides, once a model is asked so much that it pays.
    figure('sizes/gpu/onnxruntime-jspi', 'MB', [(await runtimeOf('.jspi')) / MB]),
    figure('sizes/gpu/onnxruntime-asyncify', 'MB', [(await runtimeOf('.asyncify')) / MB]),
    ...(await inputKinds()),
    figure('sizes/first-visit/afield', 'kB', [own / KB]),
    figure('sizes/first-visit/with-onnxruntime', 'MB', [(own + runtime) / MB]),
    ...(await installed()),
    figure('sizes/own-lines-to-a-prediction', '', [countOwnLines()], { most: 10 }),
    await benchDev(),
  ]
}

/** Whole files that a worker is started from, or loads, when something asks for what they do, and never before. */
async function onDemand(): Promise<readonly Figure[]> {
  const files = {
    telemetry: 'telemetry.js',
    'engine-calls': 'engine-calls.js',
    'remote-engine': 'remote.worker.js',
    'gpu/engine-jspi': 'engine.jspi.worker.js',
    'gpu/engine-asyncify': 'engine.asyncify.worker.js',
  }
  return Promise.all(
    Object.entries(files).map(async ([name, file]) =>
      figure(`sizes/${name}`, 'kB', [(await gzipped(join(DIST, file))) / KB]),
    ),
  )
}

/** What an engine loads when the first model of a kind arrives, and never before. */
async function inputKinds(): Promise<readonly Figure[]> {
  const folder = join(DIST, 'inputs')
  const scripts = (await readdir(folder)).filter((file) => file.endsWith('.js')).sort()
  return Promise.all(
    scripts.map(async (file) =>
      figure(`sizes/input/${basename(file, '.js')}`, 'kB', [(await gzipped(join(folder, file))) / KB]),
    ),
  )
}

/** The package as npm hands it out, and all that an app gets with it. */
async function installed(): Promise<readonly Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'afield-sizes-'))
  try {
    const tarballs = await pack(['@afield/protocol', 'afield'], folder)
    const sdk = tarballs.find(({ name }) => name === 'afield')
    const files = tarballs.map(({ file }) => file)
    await npm(['install', '--prefer-offline', '--prefix', folder, ...files], folder)
    return [
      figure('sizes/packed', 'MB', [(sdk?.packedBytes ?? Number.NaN) / MB]),
      figure('sizes/unpacked', 'MB', [(sdk?.unpackedBytes ?? Number.NaN) / MB]),
      figure('sizes/installed', 'MB', [(await bytesIn(join(folder, 'node_modules'))) / MB]),
    ]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map(async ({ parentPath, name }) => (await readFile(join(parentPath, name))).length)
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

async function gzipped(file: string): Promise<number> {
  return gzipSync(await readFile(file), { level: 9 }).length
}
