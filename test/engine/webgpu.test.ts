import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Browser } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { explain, load, moved, predict } from './support/gpu-page.js'
import { startGpuWorld, type GpuWorld } from './support/gpu-world.js'
import { scales } from './support/scales.js'

let world: GpuWorld
let browser: Browser

beforeAll(async () => {
  world = await startGpuWorld({ doubles: 'same', wrong: scales(3), nan: scales(2, true) })
  browser = await launchChromium({ softwareGpu: true })
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await world?.close()
})

test('serves from WebGPU when asked, and says so', async () => {
  const page = await browser.open(world.url)
  page.onConsole((line) => console.log(line.level, line.text))
  await load(page, world, 'doubles', { backend: 'webgpu' })
  expect((await predict(page)).backend).toBe('wasm')
  expect(await moved(page, 1)).toEqual([['wasm', 'webgpu', 'asked']])
  expect(await predict(page)).toMatchObject({ backend: 'webgpu', outputs: { y: 6 } })
  console.log(JSON.stringify(await explain(page), null, 1))
}, 90_000)
