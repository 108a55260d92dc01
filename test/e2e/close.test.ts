import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Browser, Page } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { RECORD, flush, loadModel, telemetryTo } from './support/device.js'
import { startWorld, type World } from './support/world.js'

let world: World
let browser: Browser
let page: Page

beforeAll(async () => {
  world = await startWorld()
  browser = await launchChromium()
}, 60_000)

beforeEach(async () => {
  page = await browser.open(world.url)
})

afterEach(async () => {
  world.server.clearFaults()
  await page.close()
})

afterAll(async () => {
  await browser?.close()
  await world?.close()
})

test('once closed, every call rejects with `closed`, and closing again changes nothing', async () => {
  await loadModel(page, world, { namespace: 'calls' })
  const said = await page.evaluate(async (record) => {
    await afield.close()
    const calls: Record<string, () => Promise<unknown>> = {
      load: () => afield.load('learner-risk'),
      loadOther: () => afield.load('another', { version: '1.0.0' }),
      check: () => afield.check(),
      checkAborted: () => afield.check({ signal: AbortSignal.abort() }),
      explain: () => afield.explain('learner-risk'),
      versions: () => afield.versions('learner-risk'),
      storage: () => afield.storage(),
      telemetry: () => afield.telemetry(),
      flush: () => afield.flush(),
      predict: () => model.predict(record),
      predictMany: () => model.predictMany([record]),
      benchmark: () => model.benchmark(),
      explainModel: () => model.explain(),
      close: () => afield.close(),
    }
    const outcomes: Record<string, string> = {}
    for (const [name, call] of Object.entries(calls)) {
      try {
        // Started apart from being awaited: what throws here was thrown synchronously.
        const promise = call()
        outcomes[name] = await promise.then(
          () => 'resolved',
          (error: unknown) => (error instanceof AfieldError ? error.code : String(error)),
        )
      } catch (error) {
        outcomes[name] = `thrown: ${String(error)}`
      }
    }
    return { outcomes, version: model.version ?? 'none' }
  }, RECORD)
  const { close, ...others } = said.outcomes
  expect(close).toBe('resolved')
  expect(new Set(Object.values(others))).toEqual(new Set(['closed']))
  expect(Object.keys(others)).toHaveLength(13)
  expect(said.version).toBe('none')
})

test('what was asked before is answered, and counted', async () => {
  await loadModel(page, world, { namespace: 'drained', ...telemetryTo(world) })
  const answers = await page.evaluate(async (record) => {
    const asked = Array.from({ length: 300 }, () => model.predict(record))
    const closing = [afield.close(), afield.close()]
    const settled = await Promise.allSettled(asked)
    await Promise.all(closing)
    return settled.filter(({ status }) => status === 'fulfilled').length
  }, RECORD)
  expect(answers).toBe(300)
  await loadModel(page, world, { namespace: 'drained', ...telemetryTo(world) })
  await flush(page)
  expect((await world.collector.versions()).versions).toMatchObject([{ version: '1.0.0', served: 300 }])
})

test('no worker is left behind, whenever it is closed', async () => {
  const options = { repository: `${world.server.url}/repo/`, root: world.root }
  world.server.fault('/repo/**', { kind: 'delay', ms: 100 })
  const seen = await page.evaluate(async (given) => {
    const alive = new Set<Worker>()
    let started = 0
    globalThis.Worker = class extends Worker {
      constructor(url: string | URL, init?: WorkerOptions) {
        super(url, init)
        alive.add(this)
        started += 1
      }
      override terminate(): void {
        super.terminate()
        alive.delete(this)
      }
    }
    const outcomes: string[] = []
    for (const wait of [0, 50, 150, 300, 450, 600, 900]) {
      const device = createAfield({ ...given, namespace: `closed-after-${wait}` })
      const loading = device.load('learner-risk').then(
        () => 'loaded',
        (error: unknown) => (error instanceof AfieldError ? error.code : String(error)),
      )
      await new Promise((resolve) => setTimeout(resolve, wait))
      await device.close()
      outcomes.push(await loading)
    }
    // An engine that started after its page was closed would show by now.
    await new Promise((resolve) => setTimeout(resolve, 500))
    return { alive: alive.size, started, outcomes }
  }, options)
  expect(seen.started).toBeGreaterThanOrEqual(14)
  expect(seen.alive).toBe(0)
  expect(seen.outcomes[0]).toBe('closed')
  expect(['closed', 'loaded']).toEqual(expect.arrayContaining(seen.outcomes))
})
