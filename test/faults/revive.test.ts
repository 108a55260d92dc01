import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Browser, Page } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { RECORD, check, loadModel, predict } from '../e2e/support/device.js'
import { startWorld, type World } from '../e2e/support/world.js'

let world: World
let browser: Browser
let page: Page

beforeAll(async () => {
  world = await startWorld()
  browser = await launchChromium()
  page = await browser.open(world.url)
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await world?.close()
})

test('the page of a killed model serves again after the revival, and needs no check of its own', async () => {
  expect(await loadModel(page, world)).toBe('1.0.0')
  await predict(page)
  await world.rollout('kill')
  expect(await check(page)).toBe('checked')
  await page.reload()
  const options = { repository: `${world.server.url}/repo/`, root: world.root, checkEveryMs: 1000 }
  const refused = await page.evaluate(async (given) => {
    globalThis.afield = createAfield(given)
    const error: unknown = await afield.load('learner-risk').catch((reason: unknown) => reason)
    return error instanceof AfieldError ? error.code : String(error)
  }, options)
  expect(refused).toBe('model/killed')

  // The page stays open: it goes on looking for news by itself.
  await world.rollout('revive')
  const served = await page.evaluate(
    (record) =>
      new Promise<string>((resolve, reject) => {
        afield.on('update', () => {
          afield
            .load('learner-risk')
            .then((model) => model.predict(record))
            .then(({ modelVersion }) => resolve(modelVersion), reject)
        })
      }),
    RECORD,
  )
  expect(served).toBe('1.0.0')
})

test('the page of a killed model, reloaded after the revival, serves at once', async () => {
  expect(await loadModel(page, world)).toBe('1.0.0')
  await world.rollout('kill')
  expect(await check(page)).toBe('checked')
  await world.rollout('revive')
  await page.reload()
  expect(await loadModel(page, world)).toBe('1.0.0')
  expect((await predict(page)).modelVersion).toBe('1.0.0')
})
