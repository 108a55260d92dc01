import type { FallbackOptions } from 'afield'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Browser, Page } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { RECORD, check, predict } from './support/device.js'
import { startWorld, type World } from './support/world.js'

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

function load(options: FallbackOptions): Promise<string | undefined> {
  return page.evaluate(
    async ({ repository, root, fallback }) => {
      globalThis.afield ??= createAfield({ repository, root })
      globalThis.model = await afield.load('learner-risk', { fallback })
      return model.version
    },
    { repository: `${world.server.url}/repo/`, root: world.root, fallback: options },
  )
}

function health(): Promise<{ canPredict: boolean; answers: boolean; code: string | undefined }> {
  return page.evaluate(async () => {
    const { canPredict, answers, error } = await model.health()
    return { canPredict, answers, code: error?.code }
  })
}

test('an app is answered before its model is there, while it works, and while the team has switched it off', async () => {
  const fallback = { answer: { risk_score: 0.5, at_risk: false } }
  world.server.fault('/repo/**', { kind: 'refuse' })
  expect(await load(fallback)).toBeUndefined()
  expect(await predict(page)).toMatchObject({
    servedBy: 'constant',
    modelVersion: 'none',
    outputs: fallback.answer,
  })
  expect(await health()).toMatchObject({ canPredict: false, answers: true })

  world.server.clearFaults()
  expect(await check(page)).toBe('checked')
  expect(await predict(page)).toMatchObject({ servedBy: 'model', modelVersion: '1.0.0', backend: 'wasm' })
  expect(await health()).toEqual({ canPredict: true, answers: true, code: undefined })
  const inTime = await page.evaluate(
    async (record) => (await model.predict(record as never, { timeoutMs: 5000 })).servedBy,
    RECORD as object,
  )
  expect(inTime).toBe('model')

  await world.rollout('kill')
  expect(await check(page)).toBe('checked')
  expect(await predict(page)).toMatchObject({ servedBy: 'constant' })
  expect(await health()).toEqual({ canPredict: false, answers: true, code: 'model/killed' })
  await world.rollout('revive')
  expect(await check(page)).toBe('checked')
  expect(await predict(page)).toMatchObject({ servedBy: 'model', modelVersion: '1.0.0' })

  const closed = await page.evaluate(async (record) => {
    await afield.close()
    return model.predict(record as never).catch((error: { code: string }) => error.code)
  }, RECORD as object)
  expect(closed).toBe('closed')
})
