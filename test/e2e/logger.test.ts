import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Browser } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { startWorld, type World } from './support/world.js'

let world: World
let browser: Browser

beforeAll(async () => {
  world = await startWorld()
  browser = await launchChromium()
}, 60_000)

afterEach(() => world.server.clearFaults())

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

test('a listener that throws takes no other along, and its fault shows on the page', async () => {
  const page = await browser.open(world.url)
  const uncaught: string[] = []
  page.onConsole(({ level, text }) => level === 'uncaught' && uncaught.push(text))
  const heard = await page.evaluate(
    async (given) => {
      const device = createAfield(given)
      const versions: string[] = []
      device.on('update', () => {
        throw new Error('a fault of the app')
      })
      device.on('update', ({ version }) => versions.push(version))
      await device.load('learner-risk')
      await device.check()
      return versions
    },
    { repository: `${world.server.url}/repo/`, root: world.root, namespace: 'throwing' },
  )
  expect(heard).toEqual(['1.0.0'])
  await expect.poll(() => uncaught.join()).toContain('a fault of the app')
})

test.each(['repository', 'seed', 'telemetry.endpoint'])('%s must be a URL', async (option) => {
  const page = await browser.open(world.url)
  const refused = await page.evaluate(
    async ({ wrong, ...given }) => {
      const bad = 'https://'
      const device = createAfield({
        ...given,
        ...(wrong === 'telemetry.endpoint'
          ? { telemetry: { endpoint: bad, key: 'test-app', basis: 'consent' } }
          : { [wrong]: bad }),
      })
      const error: unknown = await device.load('learner-risk').catch((cause: unknown) => cause)
      await device.close()
      return error instanceof AfieldError && { code: error.code, ...error.details }
    },
    { repository: `${world.server.url}/repo/`, root: world.root, wrong: option },
  )
  expect(refused).toEqual({ code: 'input/invalid', field: option, problem: 'malformed' })
})

declare global {
  var heard: (readonly [level: string, error: string])[]
}
