import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Browser } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { startWorld, type World } from './support/world.js'

let world: World
let browser: Browser

beforeAll(async () => {
  world = await startWorld()
  browser = await launchChromium()
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await world?.close()
})

test("the app's logger hears of a failed background check, with an AfieldError and its code", async () => {
  const page = await browser.open(world.url)
  const options = { repository: `${world.server.url}/repo/`, root: world.root, checkEveryMs: 300 }
  await page.evaluate(async (given) => {
    globalThis.heard = []
    const device = createAfield({
      ...given,
      logger: (level, _message, error) =>
        globalThis.heard.push([level, error instanceof AfieldError ? error.code : typeof error]),
    })
    const model = await device.load('learner-risk')
    await model.predict({ hours_studied: 3, quiz_score: 42 })
  }, options)
  world.server.fault('/repo/metadata/timestamp.json', { kind: 'html' })
  await expect.poll(() => page.evaluate(() => globalThis.heard)).toContainEqual(['warn', 'manifest/invalid'])
})

declare global {
  var heard: (readonly [level: string, error: string])[]
}
