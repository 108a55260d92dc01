import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Browser } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { editRecord, explain, load, moved, predict, work } from './support/gpu-page.js'
import { startGpuWorld, type GpuWorld } from './support/gpu-world.js'

let world: GpuWorld
let browser: Browser

beforeAll(async () => {
  world = await startGpuWorld({ labours: 'labours' })
  browser = await launchChromium()
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await world?.close()
})

test('a device without a GPU asks for none of its files, whatever the app asks for', async () => {
  const page = await browser.open(world.url)
  const requested: string[] = []
  page.onRequest(({ url }) => requested.push(url))
  await load(page, world, 'labours')
  await editRecord(page, { bringUpMs: { jspi: 1, asyncify: 1 } })
  await work(page, 1500)
  await page.evaluate(() => afield.load('labours', { backend: 'webgpu' }))
  await predict(page)
  expect(await moved(page, 1, 3000)).toEqual([])
  expect(await explain(page)).toMatchObject({
    backend: 'wasm',
    engine: { backend: 'wasm', build: 'plain', threads: 1 },
    backends: [],
  })
  expect(requested.filter((url) => /jspi|asyncify/.test(url))).toEqual([])
}, 60_000)
