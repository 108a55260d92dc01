import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Browser } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { explain, load, moved, predict } from './support/gpu-page.js'
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

test.each([
  ['a page in their place, as hosts of single-page apps answer', { kind: 'html' }],
  ['nothing', { kind: 'status', status: 404 }],
] as const)(
  'an app without the files for GPUs stays on WASM quietly: its host has %s',
  async (_has, fault) => {
    world.server.fault('/app/assets/*jspi*', fault)
    const asked = (): number => world.server.requests.filter(({ path }) => path.includes('jspi')).length
    const before = asked()
    const page = await browser.open(world.url)
    const said: string[] = []
    page.onConsole(({ text }) => said.push(text))
    await load(page, world, 'doubles', { backend: 'webgpu' })
    expect(await predict(page)).toMatchObject({ backend: 'wasm', outputs: { y: 6 } })
    await expect.poll(asked, { timeout: 10_000 }).toBeGreaterThan(before)
    expect(await moved(page, 1, 1000)).toEqual([])
    // No verdict either: the files may be there the next time.
    expect(await explain(page)).toMatchObject({ backend: 'wasm', backends: [] })
    expect(await predict(page, 4)).toMatchObject({ backend: 'wasm', outputs: { y: 8 } })
    expect(said.filter((text) => text.includes('afield'))).toEqual([])
    world.server.clearFaults()
    await page.close()
  },
  60_000,
)
