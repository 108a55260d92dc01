import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Browser, Page } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { flush, loadModel, predict, predictMany, telemetry, telemetryTo } from '../e2e/support/device.js'
import { startWorld, type World } from '../e2e/support/world.js'

const FILE = '/app/assets/telemetry*.js'

let world: World
let browser: Browser
let page: Page

beforeAll(async () => {
  world = await startWorld()
}, 60_000)

// A browser of its own for each test: the file may be cached for good.
beforeEach(async () => {
  browser = await launchChromium()
  page = await browser.open(world.url)
  world.server.clearRequests()
})

afterEach(async () => {
  world.server.clearFaults()
  await browser.close()
})

afterAll(async () => {
  await world?.close()
})

function fileRequests(): number {
  return world.server.requests.filter(({ path }) => path.startsWith('/app/assets/telemetry')).length
}

/** Answers of 1.0.0 that the collector counted, over all tests of this file. */
async function served(): Promise<number> {
  const row = (await world.collector.versions()).versions.find(({ version }) => version === '1.0.0')
  return row && !row.withheld ? row.served : 0
}

/** What the device took and has not sealed yet: answers, and the steps that its versions got to. */
async function taken(): Promise<Record<string, number>> {
  const sum: Record<string, number> = { answers: 0 }
  for (const { ops } of (await telemetry(page)).open) {
    for (const [step, count] of [['answers', ops.count] as const, ...Object.entries(ops.funnel)]) {
      sum[step] = (sum[step] ?? 0) + count
    }
  }
  return sum
}

/** What a first visit counts once, beside its answers and its checks. */
const FIRST_VISIT = { downloaded: 1, verified: 1, staged: 1, confirmed: 1 }

function codeOf(call: 'flush' | 'telemetry'): Promise<string> {
  return page.evaluate(async (name) => {
    try {
      await afield[name]()
      return 'resolved'
    } catch (error) {
      return error instanceof AfieldError ? error.code : String(error)
    }
  }, call)
}

/** Loads the model with telemetry on, and keeps what the app's logger hears. */
function loadAndListen(): Promise<void> {
  const options = { repository: `${world.server.url}/repo/`, root: world.root, ...telemetryTo(world) }
  return page.evaluate(async (given) => {
    globalThis.said = []
    globalThis.afield = createAfield({
      ...given,
      logger: (level, _message, error) => globalThis.said.push(`${level} ${error?.code}`),
    })
    globalThis.model = await afield.load('learner-risk')
  }, options)
}

describe("telemetry's code", () => {
  test('is never asked for where telemetry is off, and once where it is on', async () => {
    await loadModel(page, world)
    await predict(page)
    expect(await telemetry(page)).toMatchObject({ state: 'off' })
    await flush(page)
    await page.evaluate(() => afield.close())
    expect(fileRequests()).toBe(0)

    await loadModel(page, world, telemetryTo(world))
    await predict(page)
    expect(await telemetry(page)).toMatchObject({ state: 'on' })
    expect(fileRequests()).toBe(1)
  })

  test('that is blocked for a while costs no answer and no count, and is complained of once', async () => {
    const before = await served()
    world.server.fault(FILE, { kind: 'status', status: 403 })
    await loadAndListen()
    expect(Object.keys(await predictMany(page, 60))).toEqual(['1.0.0'])
    expect(await codeOf('telemetry')).toBe('telemetry/unavailable')
    expect(await codeOf('flush')).toBe('telemetry/unavailable')
    expect(fileRequests()).toBeGreaterThan(1)
    expect(await page.evaluate(() => said)).toEqual(['warn telemetry/unavailable'])

    world.server.clearFaults()
    await predict(page)
    expect(await taken()).toMatchObject({ answers: 61, ...FIRST_VISIT })
    await flush(page)
    await flush(page)
    expect(await served()).toBe(before + 61)
    expect(await telemetry(page)).toMatchObject({ open: [], pending: [], drops: {} })
  })

  test.each(['closed by the app', 'closed by its user'])(
    'that is blocked for a whole visit, %s, leaves its counts to the next',
    async (how) => {
      const before = await served()
      world.server.fault(FILE, { kind: 'status', status: 403 })
      await loadAndListen()
      await predictMany(page, 7)
      if (how === 'closed by the app') await page.evaluate(() => afield.close())
      await page.close()

      world.server.clearFaults()
      page = await browser.open(world.url)
      await loadModel(page, world, telemetryTo(world))
      await expect.poll(taken).toMatchObject({ answers: 7, ...FIRST_VISIT })
      await flush(page)
      // What was adopted is not told again by a third visit.
      await page.reload()
      await loadModel(page, world, telemetryTo(world))
      await predict(page)
      await flush(page)
      expect(await served()).toBe(before + 8)
    },
  )
})

describe("the page's own part of it", () => {
  test('that is late keeps nobody waiting, and counts what was before it', async () => {
    const before = await served()
    let letGo: () => void = () => undefined
    const until = new Promise<void>((resolve) => (letGo = resolve))
    world.server.fault('/app/assets/observer*', { kind: 'hold', until })
    await page.evaluate(
      async (given) => {
        globalThis.afield = createAfield(given)
        globalThis.model = await afield.load('learner-risk')
        for (let i = 0; i < 5; i++) await model.predict({ hours_studied: 3, quiz_score: 42 })
        await model.predict({}).catch(() => undefined)
      },
      { repository: `${world.server.url}/repo/`, root: world.root, ...telemetryTo(world) },
    )
    letGo()
    expect(await taken()).toMatchObject({ answers: 5 })
    await flush(page)
    expect(await served()).toBe(before + 5)
  })

  test('that never comes does not keep Afield from closing', async () => {
    world.server.fault('/app/assets/observer*', { kind: 'delay', ms: 60_000 })
    await loadAndListen()
    await predictMany(page, 3)
    const took = await page.evaluate(async () => {
      const began = performance.now()
      await afield.close()
      return performance.now() - began
    })
    expect(took).toBeLessThan(8000)
  })
})

declare global {
  var said: string[]
}
