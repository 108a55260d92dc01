import { execFile } from 'node:child_process'
import { cp, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Browser } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { startServer } from '../servers/static.js'
import { GPU_APP } from './support/gpu-app.js'
import { expectGpuPrediction, expectPrediction, type Visit } from './support/visit.js'
import { openWorkshop, type Workshop } from './support/workshop.js'

/** One for each build of onnxruntime. */
const WASM_FILES = 3

let workshop: Workshop
let browser: Browser

beforeAll(async () => {
  workshop = await openWorkshop()
  browser = await launchChromium()
}, 120_000)

afterAll(async () => {
  await browser?.close()
  await workshop?.close()
})

function pathOf(url: string): string {
  return new URL(url).pathname
}

/** Runs a tool that the app has installed. */
async function run(app: string, tool: string, ...args: readonly string[]): Promise<void> {
  const bin = join(app, 'node_modules', '.bin', tool)
  await promisify(execFile)(bin, [...args], { cwd: app, shell: process.platform === 'win32' })
}

async function visit(app: string): Promise<Visit> {
  const server = await startServer({ mounts: { '/': app } })
  try {
    return await expectPrediction(browser, `${server.url}/`, workshop)
  } finally {
    await server.close()
  }
}

test('webpack 5 needs no configuration, and copies each file once', async () => {
  const app = await workshop.makeApp('webpack', ['webpack', 'webpack-cli'])
  await run(app, 'webpack')
  await visit(app)
  const files = await readdir(join(app, 'dist'))
  expect(files.filter((file) => file.endsWith('.wasm'))).toHaveLength(WASM_FILES)
}, 120_000)

test('webpack 5 brings what an app needs that asks for WebGPU', async () => {
  const app = await workshop.makeApp('webpack', ['webpack', 'webpack-cli'], { 'app.js': GPU_APP })
  await run(app, 'webpack')
  const withGpu = await launchChromium({ softwareGpu: true })
  const server = await startServer({ mounts: { '/': app } })
  try {
    const { requests } = await expectGpuPrediction(withGpu, `${server.url}/`, workshop)
    expect(requests.some((asked) => asked.startsWith('blob:'))).toBe(false)
  } finally {
    await server.close()
    await withGpu.close()
  }
}, 120_000)

test('esbuild copies no files by itself: they go beside the bundle', async () => {
  const app = await workshop.makeApp('esbuild', ['esbuild'])
  await run(app, 'esbuild', 'app.js', '--bundle', '--format=esm', '--splitting', '--minify', '--outdir=dist')
  await copyFiles(app)
  const { requests } = await visit(app)
  expect(requests.map(pathOf)).toContain('/dist/engine.worker.js')
}, 120_000)

test('rolldown, likewise', async () => {
  const app = await workshop.makeApp('rolldown', ['rolldown'])
  await run(app, 'rolldown', 'app.js', '--minify', '--dir=dist')
  await copyFiles(app)
  const { requests } = await visit(app)
  expect(requests.map(pathOf)).toContain('/dist/engine.worker.js')
}, 120_000)

/** `cp -r node_modules/afield/dist/{*.worker.js,telemetry.js,engine-calls.js,ort,inputs} dist` */
async function copyFiles(app: string): Promise<void> {
  const from = join(app, 'node_modules', 'afield', 'dist')
  for (const entry of await readdir(from)) {
    if (/\.worker\.js$|^(telemetry|engine-calls)\.js$|^(ort|inputs)$/.test(entry))
      await cp(join(from, entry), join(app, 'dist', entry), { recursive: true })
  }
}
