import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Browser } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { editRecord, explain, load, moved, predict, verdict, work } from './support/gpu-page.js'
import { startGpuWorld, type GpuWorld } from './support/gpu-world.js'
import { scales } from './support/scales.js'

let world: GpuWorld
let browser: Browser

beforeAll(async () => {
  world = await startGpuWorld({
    doubles: 'same',
    labours: 'labours',
    wrong: scales(3),
    nan: scales(2, true),
  })
  browser = await launchChromium({ softwareGpu: true })
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await world?.close()
})

test('serves from WebGPU when asked, and says so', async () => {
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
  expect(await verdict(page)).toMatchObject({ outcome: 'lost', why: 'wrong-answer' })
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
