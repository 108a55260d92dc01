import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Browser } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { explain, load, moved, predict } from './support/gpu-page.js'
import { startGpuWorld, type GpuWorld } from './support/gpu-world.js'

let world: GpuWorld
let browser: Browser

beforeAll(async () => {
  world = await startGpuWorld({ doubles: 'same' }, { prelude: 'delete WebAssembly.Suspending;' })
  browser = await launchChromium({ softwareGpu: true })
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await world?.close()
})

test('drives the GPU by asyncify where the browser has no JavaScript promise integration', async () => {
  const page = await browser.open(world.url)
  const requested: string[] = []
  page.onRequest(({ url }) => requested.push(url))
  await load(page, world, 'doubles', { backend: 'webgpu' })
  expect(await moved(page, 1)).toEqual([['wasm', 'webgpu', 'asked']])
  expect(await predict(page)).toMatchObject({ backend: 'webgpu', outputs: { y: 6 } })
  expect(await explain(page)).toMatchObject({ engine: { backend: 'webgpu', build: 'asyncify' } })
  expect(requested.filter((url) => url.includes('jspi'))).toEqual([])

  await browser.crashGpu()
  expect(await predict(page)).toMatchObject({ backend: 'wasm', outputs: { y: 6 } })
  expect((await moved(page, 2))[1]).toEqual(['webgpu', 'wasm', 'device-lost'])
}, 120_000)
