import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Browser } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { explain, load, predict } from './support/gpu-page.js'
import { startGpuWorld, type GpuWorld } from './support/gpu-world.js'

let world: GpuWorld
let browser: Browser

beforeAll(async () => {
  world = await startGpuWorld({ doubles: 'same' })
  browser = await launchChromium()
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await world?.close()
})

test('where two engines do not fit, an update waits for the next start', async () => {
  const page = await browser.open(world.url)
  const makeSmall = () =>
    page.evaluate(() => {
      Object.defineProperty(navigator, 'hardwareConcurrency', { value: 2 })
      Object.defineProperty(navigator, 'deviceMemory', { value: 1 })
    })
  await makeSmall()
  await load(page, world, 'doubles')
  await predict(page)
  await world.publish('doubles', '2.0.0', 'same')
  await page.evaluate(async () => void (await afield.check()))
  await expect
    .poll(() => explain(page), { timeout: 20_000 })
    .toMatchObject({
      version: '1.0.0',
      deferred: { version: '2.0.0', why: 'no-room' },
      sentence: expect.stringContaining(
        '2.0.0 is here and waits for the next start: this device has no room for two engines',
      ) as string,
    })
  expect(await predict(page)).toMatchObject({ modelVersion: '1.0.0', outputs: { y: 6 } })

  await page.reload()
  await makeSmall()
  await load(page, world, 'doubles')
  expect(await predict(page)).toMatchObject({ modelVersion: '2.0.0', outputs: { y: 6 } })
  expect((await explain(page)).failures).toEqual([])
}, 60_000)
