import type { AfieldOptions, BenchmarkReport } from 'afield'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Browser, Page } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { check, flush, loadModel, predictMany, telemetryTo } from './support/device.js'
import { startKindsWorld } from './support/kinds-world.js'
import { startWorld, type World } from './support/world.js'

let world: World
let browser: Browser
let page: Page

beforeAll(async () => {
  world = await startWorld()
  browser = await launchChromium()
  page = await browser.open(world.url)
  await page.evaluate(() => {
    globalThis.messages = 0
    globalThis.Worker = class extends Worker {
      constructor(url: string | URL, how?: WorkerOptions) {
        super(url, how)
        if (how?.name === 'afield engine') this.addEventListener('message', () => (globalThis.messages += 1))
      }
    }
  })
  await loadModel(page, world, telemetryTo(world))
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await world?.close()
})

function benchmark(options: { samples?: number; input?: object } = {}): Promise<BenchmarkReport> {
  return page.evaluate((given) => model.benchmark(given as never), options)
}

test('says how fast this device answers, by the input of a golden vector', async () => {
  const report = await benchmark()
  expect(report).toMatchObject({
    model: 'learner-risk',
    modelVersion: '1.0.0',
    backend: 'wasm',
    runtime: expect.stringMatching(/^onnxruntime-web \d+\.\d+\.\d+$/) as string,
    input: 'golden',
    samples: 100,
    warmUp: { predictions: 10 },
  })
  const { mean, p50, p95, p99, max } = report.latencyMs
  const order = [0, p50, p95, p99, max]
  expect([...order].sort((a, b) => a - b)).toEqual(order)
  expect(p50).toBeGreaterThan(0)
  expect(mean).toBeGreaterThan(0)
  expect(mean).toBeLessThanOrEqual(max)
  expect(report.warmUp.totalMs).toBeGreaterThanOrEqual(report.warmUp.firstMs)
})

test('asked together, answers come faster than one after the other', async () => {
  const { latencyMs, perSecond } = await page.evaluate(async () => {
    // A clock by which each message of an engine takes a millisecond, however busy the machine is.
    performance.now = () => globalThis.messages
    const report = await model.benchmark()
    Reflect.deleteProperty(performance, 'now')
    return report
  })
  expect(latencyMs.mean).toBeCloseTo(1, 0)
  expect(perSecond).toBeGreaterThan(10 * (1000 / latencyMs.mean))
})

test('takes the input that it is given, and refuses one that does not fit', async () => {
  expect(await benchmark({ samples: 7, input: { hours_studied: 3, quiz_score: 42 } })).toMatchObject({
    input: 'given',
    samples: 7,
  })
  const refusals = await page.evaluate(async () => {
    const refusal = async (options: object): Promise<unknown> =>
      model.benchmark(options).catch((error: unknown) => error instanceof AfieldError && error.details)
    return [
      await refusal({ input: { hours_studied: 3 } }),
      await refusal({ samples: 0 }),
      await refusal({ samples: 2.5 }),
    ]
  })
  expect(refusals).toEqual([
    { field: 'quiz_score', problem: 'missing' },
    { field: 'samples', problem: 'out-of-range' },
    { field: 'samples', problem: 'out-of-range' },
  ])
})

test('is no prediction of the app: telemetry counts none of it', async () => {
  await predictMany(page, 3)
  await flush(page)
  const { versions } = await world.collector.versions()
  expect(versions).toMatchObject([{ version: '1.0.0', served: 3, errors: {} }])
})

test('ends when it is told to', async () => {
  const code = await page.evaluate(async () => {
    const ending = new AbortController()
    setTimeout(() => ending.abort(), 50)
    return model
      .benchmark({ samples: 100_000, signal: ending.signal })
      .catch((error: unknown) => error instanceof AfieldError && error.code)
  })
  expect(code).toBe('aborted')
})

test('measures one version, also when another takes over meanwhile', async () => {
  await world.publish('2.0.0')
  await page.evaluate(() => {
    globalThis.measuring = model.benchmark({ samples: 3000 })
  })
  await world.rollout('start', '--stable', '2.0.0')
  expect(await check(page)).toBe('checked')
  const report = await page.evaluate(() => globalThis.measuring)
  expect(report.samples).toBe(3000)
  expect(['1.0.0', '2.0.0']).toContain(report.modelVersion)
  expect((await benchmark({ samples: 5 })).modelVersion).toBe('2.0.0')
})

test('works for models of tensors, out of the stored golden vectors of a second visit too', async () => {
  const kinds = await startKindsWorld(['counter'])
  const visit = await browser.open(kinds.url)
  const options = { repository: kinds.repository, root: kinds.root }
  const measure = (): Promise<BenchmarkReport> =>
    visit.evaluate(async (given: AfieldOptions) => {
      globalThis.afield = createAfield(given)
      return (await afield.load('counter')).benchmark({ samples: 20 })
    }, options)
  expect(await measure()).toMatchObject({ model: 'counter', input: 'golden', samples: 20 })
  await visit.reload()
  expect(await measure()).toMatchObject({ model: 'counter', input: 'golden', samples: 20 })
  expect(
    await visit.evaluate(async () => (await afield.versions('counter')).map(({ serves }) => serves)),
  ).toEqual([true])
  await visit.close()
  await kinds.close()
})

declare global {
  var measuring: Promise<BenchmarkReport>
  /** Messages of the page's engines. */
  var messages: number
}
