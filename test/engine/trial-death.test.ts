import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Browser } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { explain, load, moved, predict, verdict } from './support/gpu-page.js'
import { startGpuWorld, type GpuWorld } from './support/gpu-world.js'

let world: GpuWorld
let browser: Browser

beforeAll(async () => {
  world = await startGpuWorld({ doubles: 'same' })
  browser = await launchChromium({ softwareGpu: true })
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await world?.close()
})

test('a page that dies twice while it tries WebGPU tries it no more for a day, and keeps its version', async () => {
  // It cannot end before the page does.
  world.server.fault('/app/assets/engine.jspi*', { kind: 'delay', ms: 60_000 })
  for (let death = 0; death < 2; death++) {
    const page = await browser.open(world.url)
    const begun = new Promise<void>((resolve) => {
      page.onRequest(({ url }) => {
        if (url.includes('engine.jspi')) resolve()
      })
    })
    await load(page, world, 'doubles', { backend: 'webgpu' })
    await begun
    await page.kill()
  }
  world.server.clearFaults()
  const page = await browser.open(world.url)
  await load(page, world, 'doubles', { backend: 'webgpu' })
  const crashed = await verdict(page)
  expect(crashed).toMatchObject({ backend: 'webgpu', outcome: 'lost', why: 'crashed' })
  expect(crashed.until).toBeGreaterThan(Date.now() + 23 * 3_600_000)
  expect(await moved(page, 1, 0)).toEqual([])
  expect(await predict(page)).toMatchObject({ backend: 'wasm', modelVersion: '1.0.0' })
  expect((await explain(page)).failures).toEqual([])
}, 90_000)
