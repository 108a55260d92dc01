import { stat } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Browser } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { editRecord, explain, load, moved, predict, verdict, work } from './support/gpu-page.js'
import { startGpuWorld, type GpuWorld } from './support/gpu-world.js'
import { scales } from './support/scales.js'

const JSPI_WASM = new URL('../../packages/sdk/dist/ort/ort-wasm-simd-threaded.jspi.wasm', import.meta.url)

let world: GpuWorld
let browser: Browser

beforeAll(async () => {
  world = await startGpuWorld({
    doubles: 'same',
    labours: 'labours',
    wrong: scales(3),
    nan: scales(2, true),
    ranked: scales(2, true),
    streamed: scales(2, true),
  })
  browser = await launchChromium({ softwareGpu: true })
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await world?.close()
})

test('serves from WebGPU when asked, says so, and goes back when asked', async () => {
  const page = await browser.open(world.url)
  await load(page, world, 'doubles', { backend: 'webgpu' })
  expect(await predict(page)).toMatchObject({ backend: 'wasm', outputs: { y: 6 } })
  expect(await moved(page, 1)).toEqual([['wasm', 'webgpu', 'asked']])
  expect(await predict(page)).toMatchObject({ backend: 'webgpu', outputs: { y: 6 } })
  expect(await explain(page)).toMatchObject({
    backend: 'webgpu',
    engine: { backend: 'webgpu', build: 'jspi', threads: 1, variant: 'fp32' },
    backends: [{ backend: 'webgpu', outcome: 'won', why: 'asked' }],
    sentence: expect.stringContaining('on WebGPU (the jspi build)') as string,
  })
  await page.evaluate(() => afield.load('doubles', { backend: 'wasm' }))
  expect((await moved(page, 2))[1]).toEqual(['webgpu', 'wasm', 'asked'])
  expect(await predict(page)).toMatchObject({ backend: 'wasm', outputs: { y: 6 } })
  await page.close()
}, 60_000)

test('stays on WASM where only WebGPU disagrees with the golden vectors', async () => {
  const page = await browser.open(world.url)
  await load(page, world, 'wrong', { backend: 'webgpu' })
  await predict(page)
  const lost = await verdict(page)
  expect(lost).toMatchObject({ backend: 'webgpu', outcome: 'lost', why: 'wrong-answer' })
  expect(lost.until).toBeUndefined()
  expect(await predict(page)).toMatchObject({ backend: 'wasm', outputs: { y: 6 } })
  expect(await explain(page)).toMatchObject({
    failures: [],
    sentence: expect.stringContaining('WebGPU is not used: golden vector 1 promises y = 2') as string,
  })
  await page.close()
}, 60_000)

test('goes back to WASM where WebGPU answers NaN, and answers the question there', async () => {
  const page = await browser.open(world.url)
  await load(page, world, 'nan', { backend: 'webgpu' })
  expect(await moved(page, 1)).toEqual([['wasm', 'webgpu', 'asked']])
  const answers = await page.evaluate(() =>
    Promise.all([1, -2, 3].map(async (x) => (await model.predict({ x })).outputs['y'])),
  )
  expect(answers).toEqual([2, -4, 6])
  expect((await moved(page, 2))[1]).toEqual(['webgpu', 'wasm', 'wrong-answer'])
  expect(await predict(page)).toMatchObject({ backend: 'wasm' })
  const lost = await verdict(page)
  expect(lost).toMatchObject({ outcome: 'lost', why: 'wrong-answer' })
  expect((lost.until ?? 0) - Date.now()).toBeGreaterThan(23 * 3_600_000)
  await page.close()
}, 60_000)

test.each(['ranked', 'streamed'])(
  'goes back to WASM also where NaN is all that is %s',
  async (name) => {
    const page = await browser.open(world.url)
    await load(page, world, name, { backend: 'webgpu' })
    expect(await moved(page, 1)).toEqual([['wasm', 'webgpu', 'asked']])
    const answers = await page.evaluate(async (given: string) => {
      if (given === 'ranked') {
        const { results } = await model.predictMany([{ x: 1 }, { x: -2 }])
        return results.map(({ outputs }) => outputs['y'])
      }
      const stream = await model.pin()
      const asked = [await stream.predict({ x: 1 }), await stream.predict({ x: -2 })]
      stream.release()
      return asked.map(({ outputs }) => outputs['y'])
    }, name)
    expect(answers).toEqual([2, -4])
    expect((await moved(page, 2))[1]).toEqual(['webgpu', 'wasm', 'wrong-answer'])
    await page.close()
  },
  60_000,
)

test('a runtime for the GPU is a download that the app is asked about', async () => {
  const page = await browser.open(world.url)
  const requested: string[] = []
  page.onRequest(({ url }) => requested.push(url))
  const asked = await page.evaluate(async (options) => {
    const requests: { reason: string; bytes: number }[] = []
    globalThis.afield = createAfield({
      ...options,
      namespace: 'asks',
      downloads: 'ask',
      onDownload: (request) => {
        requests.push(request)
        return request.reason === 'load'
      },
    })
    globalThis.model = await afield.load('labours')
    const ask = async (ms: number): Promise<void> => {
      const until = performance.now() + ms
      while (performance.now() < until) await model.predict({ x: 1 })
      await new Promise((resolve) => setTimeout(resolve, 1000))
    }
    for (let i = 0; i < 10 && requests.length < 2; i++) await ask(2000)
    await ask(500)
    return requests.map(({ reason, bytes }) => ({ reason, bytes }))
  }, world.options)
  expect(asked).toMatchObject([{ reason: 'load' }, { reason: 'update' }])
  const { size } = await stat(JSPI_WASM)
  expect(Math.abs((asked[1]?.bytes ?? 0) / size - 1)).toBeLessThan(0.1)
  expect(requested.filter((url) => /jspi|asyncify/.test(url))).toEqual([])
  await page.close()
}, 60_000)

test('what WASM does faster stays there, also at the next visit', async () => {
  const page = await browser.open(world.url)
  // As if WebGPU had once been brought up here within a millisecond.
  await load(page, world, 'labours')
  await editRecord(page, { bringUpMs: { jspi: 1 } })
  await work(page, 2500)
  const slower = await verdict(page)
  expect(slower).toMatchObject({ outcome: 'lost', why: 'slower' })
  expect(slower.backendMs).toBeGreaterThan(0.9 * (slower.wasmMs ?? Infinity))
  expect(await moved(page, 1, 0)).toEqual([])
  const requested: string[] = []
  await page.reload()
  page.onRequest(({ url }) => requested.push(url))
  await load(page, world, 'labours')
  await work(page, 2500)
  await new Promise((resolve) => setTimeout(resolve, 3000))
  expect(await verdict(page)).toEqual(slower)
  expect(requested.filter((url) => url.includes('jspi'))).toEqual([])
  await page.close()
}, 120_000)
