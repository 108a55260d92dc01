import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { LogLevel, Logger } from 'afield'
import type { Browser, Page } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { loadOn, startEngineWorld, type EngineWorld } from './support/engine-world.js'

declare global {
  /** The level at which it is told that an engine gave way. */
  var gaveWay: LogLevel[]
}

let world: EngineWorld
let browser: Browser
let page: Page

beforeAll(async () => {
  world = await startEngineWorld()
  browser = await launchChromium()
}, 60_000)
beforeEach(async () => {
  page = await browser.open(world.url)
})
afterEach(async () => {
  await page.close()
})
afterAll(async () => {
  await browser?.close()
  await world?.close()
})

/** Resolves when so many engines live, or fails. */
function untilEngines(count: number, withinMs: number): Promise<void> {
  return page.evaluate(
    async ({ wanted, ms }) => {
      const until = performance.now() + ms
      const alive = (): number => engineAnswers.filter(({ isEnded }) => !isEnded).length
      while (alive() !== wanted) {
        if (performance.now() > until) throw new Error(`${alive()} engines live, and not ${wanted}`)
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    },
    { wanted: count, ms: withinMs },
  )
}

test('two engines share what is asked, and one that dies is replaced', async () => {
  await loadOn(page, world, 'loop', { workers: 2 })
  await untilEngines(2, 10_000)
  const ask = (): Promise<{ totals: unknown[]; counts: number[] }> =>
    page.evaluate(async () => {
      const before = engineAnswers.map(({ count }) => count)
      const asked = Array.from({ length: 40 }, (_, i) =>
        model.predict(BigInt64Array.of(BigInt(20_000 + i)) as never),
      )
      const totals = (await Promise.all(asked)).map(
        ({ outputs }) => (outputs['total'] as { data: Float32Array }).data[0],
      )
      return { totals, counts: engineAnswers.map(({ count }, i) => count - (before[i] ?? 0)) }
    })
  // The second takes its place when it has its model, a little after it was started.
  await expect.poll(async () => Math.min(...(await ask()).counts), { timeout: 10_000 }).toBeGreaterThan(5)
  const { totals } = await ask()
  expect(totals).toEqual(Array.from({ length: 40 }, (_, i) => 20_000 + i))

  await page.evaluate(() =>
    engineWorkers[0]?.dispatchEvent(
      new ErrorEvent('error', { message: 'ended by the test', cancelable: true }),
    ),
  )
  expect((await ask()).totals).toHaveLength(40)
  await untilEngines(2, 10_000)
})

test('auto brings another engine while all are busy, and ends it when they are not', async () => {
  await loadOn(page, world, 'loop', { workers: 'auto' })
  expect(await page.evaluate(() => engineAnswers.length)).toBe(1)
  await page.evaluate(() => {
    const state = Object.assign(globalThis, { isAsking: true })
    const ask = async (): Promise<void> => {
      while (state.isAsking) await model.predict(BigInt64Array.of(20_000n))
    }
    for (let i = 0; i < 8; i++) void ask()
  })
  await untilEngines(2, 12_000)
  await page.evaluate(() => void Object.assign(globalThis, { isAsking: false }))
  await untilEngines(1, 20_000)
  // The one that it began with stays, by which the keeper knows what serves.
  expect(await page.evaluate(() => engineAnswers[0]?.isEnded)).toBe(false)
  expect(
    await page.evaluate(async () => (await model.predict(BigInt64Array.of(3n) as never)).modelVersion),
  ).toBe('1.0.0')
}, 45_000)

test('an engine of a pool gives way to another model, which is no error', async () => {
  await page.evaluate(
    (given) => {
      Object.defineProperty(navigator, 'hardwareConcurrency', { value: 2 })
      globalThis.gaveWay = []
      const logger: Logger = (level, message) => {
        if (message.includes('gave way')) gaveWay.push(level)
      }
      globalThis.afield = createAfield({ ...given, logger })
    },
    { repository: `${world.server.url}/repo/`, root: world.root },
  )
  await loadOn(page, world, 'loop', { workers: 2 })
  await untilEngines(2, 10_000)
  await page.evaluate(() => afield.load('digits-tensors'))
  await expect.poll(() => page.evaluate(() => gaveWay), { timeout: 10_000 }).toEqual(['info'])
})

test('more than may wait is refused at once; candidates wait where they are', async () => {
  await loadOn(page, world, 'loop', { maxQueue: 10 })
  const seen = await page.evaluate(async () => {
    const steps = (count: number) => BigInt64Array.of(BigInt(count)) as never
    const calls = Array.from({ length: 20 }, (_, i) => model.predict(steps(i === 0 ? 300_000 : i)))
    const order: string[] = []
    for (const call of calls) {
      call.then(
        () => order.push('answered'),
        () => order.push('refused'),
      )
    }
    const settled = await Promise.allSettled(calls)
    const many = await model.predictMany(Array.from({ length: 2000 }, (_, i) => steps(i % 7)))
    return {
      order,
      answered: settled.filter(({ status }) => status === 'fulfilled').length,
      codes: settled.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : [])),
      many: many.results.length,
    }
  })
  expect(seen).toMatchObject({ answered: 11, many: 2000 })
  expect(seen.codes).toEqual(Array.from({ length: 9 }, () => 'engine/overloaded'))
  expect(seen.order).toEqual([...seen.order].sort().reverse())
})

test.each([
  ['workers', 0],
  ['workers', 'many'],
  ['maxQueue', -1],
  ['cache', 1.5],
  ['hungAfterMs', 0],
  ['backend', 'cpu'],
])('an option that makes no sense is named: %s %s', async (option, value) => {
  await expect(loadOn(page, world, 'loop', { [option]: value })).rejects.toThrow(`"${option}"`)
})
