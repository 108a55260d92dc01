import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Browser } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { explain, load, predict } from './support/gpu-page.js'
import { startGpuWorld, type GpuWorld } from './support/gpu-world.js'

const EIGHT_CORES = `Object.defineProperty(navigator, 'hardwareConcurrency', { value: 8 });`

let world: GpuWorld
let browser: Browser

beforeAll(async () => {
  world = await startGpuWorld({ small: 'same', large: 'large' }, { isolated: true, prelude: EIGHT_CORES })
  browser = await launchChromium()
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await world?.close()
})

test('an isolated page runs a large model on threads, and a small one on one', async () => {
  const page = await browser.open(world.url)
  await load(page, world, 'large')
  expect(await predict(page)).toMatchObject({ backend: 'wasm', outputs: { y: 6 } })
  expect(await explain(page)).toMatchObject({
    engine: { backend: 'wasm', build: 'plain', threads: 4 },
    sentence: expect.stringContaining('on WASM (4 threads)') as string,
  })
  await page.reload()
  await load(page, world, 'small')
  expect(await predict(page)).toMatchObject({ outputs: { y: 6 } })
  expect(await explain(page)).toMatchObject({ engine: { build: 'plain', threads: 1 } })
  await page.reload()
  await load(page, world, 'large', { workers: 2 })
  expect(await predict(page)).toMatchObject({ outputs: { y: 6 } })
  expect(await explain(page)).toMatchObject({ engine: { build: 'plain', threads: 1 } })
}, 60_000)
