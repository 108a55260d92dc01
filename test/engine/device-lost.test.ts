import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Browser } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { editRecord, explain, load, moved, predict, verdict } from './support/gpu-page.js'
import { startGpuWorld, type GpuWorld } from './support/gpu-world.js'

let world: GpuWorld
let browser: Browser

beforeAll(async () => {
  world = await startGpuWorld({ doubles: 'same', idle: 'same' })
  browser = await launchChromium({ softwareGpu: true })
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await world?.close()
})

test('a device that is lost in mid-run costs no answer, rests, and comes back', async () => {
  const page = await browser.open(world.url)
  await load(page, world, 'doubles', { backend: 'webgpu' })
  expect(await moved(page, 1)).toEqual([['wasm', 'webgpu', 'asked']])
  const asking = page.evaluate(async () => {
    const answered: string[] = []
    let last = 0
    while (answered.at(-1) !== 'wasm') {
      const x = last++
      const { outputs, backend } = await model.predict({ x })
      if (outputs['y'] !== 2 * x) throw new Error(`${x} was not answered with its double`)
      answered.push(backend ?? 'none')
    }
    return [...new Set(answered)]
  })
  await new Promise((resolve) => setTimeout(resolve, 300))
  await browser.crashGpu()
  expect(await asking).toEqual(['webgpu', 'wasm'])
  expect((await moved(page, 2))[1]).toEqual(['webgpu', 'wasm', 'device-lost'])
  const lost = await verdict(page)
  expect(lost).toMatchObject({ outcome: 'lost', why: 'device-lost' })
  const rest = (lost.until ?? 0) - Date.now()
  expect(rest).toBeGreaterThan(23 * 3_600_000)
  expect(rest).toBeLessThanOrEqual(24 * 3_600_000)
  expect((await explain(page)).sentence).toMatch(/WebGPU is not used: .* and it rests until \d{4}-/)

  await page.reload()
  await load(page, world, 'doubles', { backend: 'webgpu' })
  await predict(page)
  expect(await moved(page, 1, 3000)).toEqual([])

  await editRecord(page, { until: Date.now() - 1 })
  await page.reload()
  await load(page, world, 'doubles', { backend: 'webgpu' })
  expect(await moved(page, 1)).toEqual([['wasm', 'webgpu', 'asked']])
  expect(await predict(page)).toMatchObject({ backend: 'webgpu', outputs: { y: 6 } })
}, 120_000)

test('a device that is lost while nothing is asked is replaced at once, and remembered for what it did', async () => {
  const page = await browser.open(world.url)
  await load(page, world, 'idle', { backend: 'webgpu' })
  expect(await moved(page, 1)).toEqual([['wasm', 'webgpu', 'asked']])
  await predict(page)
  await browser.crashGpu()
  expect((await moved(page, 2, 10_000))[1]).toEqual(['webgpu', 'wasm', 'device-lost'])
  expect(await verdict(page)).toMatchObject({ outcome: 'lost', why: 'device-lost' })
  expect(await predict(page)).toMatchObject({ backend: 'wasm', outputs: { y: 6 } })
}, 60_000)
