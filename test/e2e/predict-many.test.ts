import type { AfieldOptions, Predictions } from 'afield'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Browser, Page } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { check, flush, loadModel, telemetryTo } from './support/device.js'
import { startKindsWorld, type KindsWorld } from './support/kinds-world.js'
import { startWorld, type World } from './support/world.js'

declare global {
  /** The sizes of the packs in which the page asked its engines. */
  var packs: number[]
  /** 5,000 learners, each another one. */
  var candidates: { hours_studied: number; quiz_score: number }[]
  var pending: Promise<Predictions>
}

let browser: Browser

beforeAll(async () => {
  browser = await launchChromium()
}, 60_000)

afterAll(async () => {
  await browser?.close()
})

function error(page: Page, given: unknown, options: unknown): Promise<object> {
  return page.evaluate(
    async ({ given: inputs, options: how }) => {
      try {
        await model.predictMany(inputs as never, how as never)
      } catch (refused) {
        if (!(refused instanceof AfieldError)) throw refused
        return { code: refused.code, message: refused.message, ...refused.details }
      }
      throw new Error('nothing was refused')
    },
    { given, options },
  )
}

describe('5,000 candidates', () => {
  let world: World
  let page: Page

  beforeAll(async () => {
    world = await startWorld()
    page = await browser.open(world.url)
    await page.evaluate(() => {
      globalThis.packs = []
      globalThis.Worker = class extends Worker {
        override postMessage(message: { type?: string; questions?: [] }, transfer: never): void {
          if (message.type === 'predict') globalThis.packs.push(message.questions?.length ?? 0)
          super.postMessage(message, transfer)
        }
      }
      globalThis.candidates = Array.from({ length: 5000 }, (_, i) => ({
        hours_studied: (i * 7919) % 20,
        quiz_score: (i * 104_729) % 101,
      }))
    })
    await loadModel(page, world, telemetryTo(world))
  }, 60_000)

  afterAll(async () => {
    await world?.close()
  })

  test('are answered as each alone would be, in five runs, and count as 5,000 predictions', async () => {
    const seen = await page.evaluate(async () => {
      // How long one takes says how many may share a message: in the mean of many, lest the page pause in that one.
      await model.predictMany(candidates.slice(0, 256))
      globalThis.packs = []
      const {
        results,
        failures,
        modelVersion,
        model: name,
        backend,
        latencyMs,
      } = await model.predictMany(candidates)
      const packs = [...globalThis.packs]
      const alone = await Promise.all(candidates.slice(0, 300).map((one) => model.predict(one)))
      return {
        packs,
        failures,
        modelVersion,
        name,
        backend,
        latencyMs,
        inOrder: results.every(({ index }, i) => index === i) && results.length,
        largest: Math.max(
          ...alone.map(({ outputs }, i) =>
            Math.abs(Number(outputs['risk_score']) - Number(results[i]?.outputs['risk_score'])),
          ),
        ),
      }
    })
    expect(seen).toMatchObject({ failures: [], modelVersion: '1.0.0', name: 'learner-risk', backend: 'wasm' })
    expect(seen.inOrder).toBe(5000)
    expect(seen.packs).toEqual([1024, 1024, 1024, 1024, 904])
    expect(seen.largest).toBeLessThan(1e-6)
    expect(seen.latencyMs).toBeGreaterThan(0)
    await flush(page)
    const { versions } = await world.collector.versions()
    expect(versions).toMatchObject([{ version: '1.0.0', served: 256 + 5000 + 300, errors: {} }])
  })

  test('are ranked by an output: all of them, and the first ten', async () => {
    const seen = await page.evaluate(async () => {
      const key = ({ outputs }: { outputs: Record<string, unknown> }): number => Number(outputs['risk_score'])
      const plain = (await model.predictMany(candidates)).results
      const down = [...plain].sort((a, b) => key(b) - key(a)).map(({ index }) => index)
      const up = [...plain].sort((a, b) => key(a) - key(b)).map(({ index }) => index)
      const indexes = (predictions: Predictions): number[] => predictions.results.map(({ index }) => index)
      const rankBy = 'risk_score'
      return {
        all: indexes(await model.predictMany(candidates, { rankBy })).join() === down.join(),
        up: indexes(await model.predictMany(candidates, { rankBy, order: 'ascending' })).join() === up.join(),
        ten: indexes(await model.predictMany(candidates, { rankBy, top: 10 })),
        expected: down.slice(0, 10),
        none: await model.predictMany([], { rankBy }),
      }
    })
    expect(seen).toMatchObject({
      all: true,
      up: true,
      none: { results: [], failures: [], modelVersion: '1.0.0' },
    })
    expect(seen.ten).toEqual(seen.expected)
  })

  test('lose nothing by bad ones among them, which fail with their places', async () => {
    const seen = await page.evaluate(async () => {
      const given: unknown[] = [...candidates]
      given[17] = { hours_studied: 3 }
      given[1500] = { hours_studied: 3, quiz_score: () => 1 }
      given[1501] = {
        hours_studied: 3,
        get quiz_score(): number {
          throw new Error('the app’s own fault, about 42')
        },
      }
      given[4999] = 'a text'
      const { results, failures } = await model.predictMany(given as never, { rankBy: 'risk_score' })
      return {
        results: results.length,
        failures: failures.map(({ index, error: { code, details } }) => ({ index, code, ...details })),
      }
    })
    expect(seen).toEqual({
      results: 4996,
      failures: [
        { index: 17, code: 'input/invalid', field: 'quiz_score', problem: 'missing' },
        { index: 1500, code: 'input/invalid', problem: 'mistyped' },
        { index: 1501, code: 'input/invalid', problem: 'mistyped' },
        expect.objectContaining({ index: 4999, code: 'input/invalid' }),
      ],
    })
  })

  test('are given up by a signal: what was not sent is not asked', async () => {
    const seen = await page.evaluate(async () => {
      globalThis.packs = []
      const giving = new AbortController()
      const predictions = model.predictMany(candidates, { signal: giving.signal })
      const outcome = predictions.then(
        () => 'answered',
        (refused: unknown) => (refused instanceof AfieldError ? refused.code : String(refused)),
      )
      await new Promise((resolve) => {
        const wait = (): unknown => (globalThis.packs.length > 0 ? resolve(undefined) : queueMicrotask(wait))
        wait()
      })
      giving.abort()
      const code = await outcome
      const { modelVersion } = await model.predict({ hours_studied: 3, quiz_score: 42 })
      return { code, packs: [...globalThis.packs], modelVersion }
    })
    expect(seen).toEqual({ code: 'aborted', packs: [1024, 1], modelVersion: '1.0.0' })
    const early = await page.evaluate(async () => {
      globalThis.packs = []
      const refused = await model
        .predictMany(candidates, { signal: AbortSignal.abort() })
        .catch((cause: unknown) => (cause instanceof AfieldError ? cause.code : ''))
      return { refused, packs: globalThis.packs }
    })
    expect(early).toEqual({ refused: 'aborted', packs: [] })
  })

  test('and so is a single one that waits behind them', async () => {
    const seen = await page.evaluate(async () => {
      globalThis.packs = []
      const giving = new AbortController()
      const first = model.predict(candidates[0] ?? {})
      const second = model.predict(candidates[1] ?? {}, { signal: giving.signal })
      const third = model.predict(candidates[2] ?? {})
      giving.abort()
      const settled = await Promise.allSettled([first, second, third])
      return {
        packs: globalThis.packs,
        outcomes: settled.map((one) =>
          one.status === 'rejected' && one.reason instanceof AfieldError ? one.reason.code : one.status,
        ),
      }
    })
    expect(seen).toEqual({ packs: [2], outcomes: ['fulfilled', 'aborted', 'fulfilled'] })
  })

  test('one alone that cannot be sent is refused, and the next is answered', async () => {
    const seen = await page.evaluate(async () => {
      const thrower = {
        get hours_studied(): number {
          throw new Error('the app’s own fault, about 42')
        },
      }
      const refusals = []
      for (const bad of [thrower, new Proxy({}, {}), Promise.resolve({})]) {
        const refused: unknown = await model.predict(bad as never).catch((error: unknown) => error)
        if (!(refused instanceof AfieldError)) throw new Error('It was not refused.')
        refusals.push({ code: refused.code, tellsIt: JSON.stringify(refused).includes('42') })
      }
      return { refusals, next: (await model.predict({ hours_studied: 3, quiz_score: 42 })).modelVersion }
    })
    expect(seen).toEqual({
      refusals: Array.from({ length: 3 }, () => ({ code: 'input/invalid', tellsIt: false })),
      next: '1.0.0',
    })
  })

  test('count as errors where they fail, one each', async () => {
    const before = (await errorsSent())['input/invalid'] ?? 0
    await page.evaluate(() => model.predictMany([{}, { quiz_score: 4 }] as never).then(() => undefined))
    expect((await errorsSent())['input/invalid']).toBe(before + 2)
  })

  async function errorsSent(): Promise<Readonly<Record<string, number>>> {
    await flush(page)
    const [version] = (await world.collector.versions()).versions
    return version?.withheld === false ? version.errors : {}
  }

  test('are refused where the call itself makes no sense', async () => {
    const one = [{ hours_studied: 3, quiz_score: 42 }]
    const invalid = (field: string): object => ({ code: 'input/invalid', field })
    expect(await error(page, {}, {})).toMatchObject(invalid('candidates'))
    expect(await error(page, one, { rankBy: 'risk_score', top: 0 })).toMatchObject(invalid('top'))
    expect(await error(page, one, { top: 3 })).toMatchObject(invalid('top'))
    expect(await error(page, one, { rankBy: 'risk_score', order: 'up' })).toMatchObject(invalid('order'))
    expect(await error(page, one, { rankBy: 'needs_support' })).toMatchObject({
      ...invalid('rankBy'),
      message: '"rankBy" names a number or a label of the outputs: risk_score.',
    })
  })

  test('are all answered by one version when another takes over in the middle', async () => {
    await world.publish('2.0.0')
    await page.evaluate(() => {
      const swapped = new Promise<Predictions>((resolve, reject) => {
        // Asked over and over, so that some are under way at the very swap.
        const ask = (): void => {
          const predictions = model.predictMany(candidates)
          predictions.then((all) => {
            globalThis.versions.push([all.modelVersion, all.results.length + all.failures.length])
            if (all.modelVersion === '2.0.0') resolve(all)
            else ask()
          }, reject)
        }
        globalThis.versions = []
        ask()
        ask()
      })
      globalThis.pending = swapped
    })
    await world.rollout('start', '--stable', '2.0.0')
    expect(await check(page)).toBe('checked')
    const seen = await page.evaluate(async () => {
      const last = await globalThis.pending
      const risks = await Promise.all(
        [0, 2500, 4999].map(async (i) => (await model.predict(candidates[i] ?? {})).outputs['risk_score']),
      )
      return {
        versions: globalThis.versions,
        same:
          [0, 2500, 4999].map((i) => Number(last.results[i]?.outputs['risk_score'])).join() ===
          risks.map(Number).join(),
      }
    })
    expect(seen.versions[0]).toEqual(['1.0.0', 5000])
    expect(seen.versions.every(([, count]) => count === 5000)).toBe(true)
    expect(seen.versions.map(([version]) => version)).toContain('2.0.0')
    expect(seen.same).toBe(true)
  })
})

describe('models of tensors', () => {
  let world: KindsWorld
  let page: Page

  beforeAll(async () => {
    world = await startKindsWorld(['pick', 'pets'])
    page = await browser.open(world.url)
  }, 60_000)

  afterAll(async () => {
    await world?.close()
  })

  function load(name: string): Promise<void> {
    return page.evaluate(
      async ({ wanted, ...options }: { wanted: string } & AfieldOptions) => {
        globalThis.afield ??= createAfield(options)
        globalThis.model = await afield.load(wanted)
      },
      { wanted: name, repository: world.repository, root: world.root },
    )
  }

  test('a candidate that the graph itself cannot take fails alone, and nothing tells what it was', async () => {
    const lines: string[] = []
    page.onConsole(({ text }) => lines.push(text))
    await load('pick')
    const seen = await page.evaluate(async () => {
      const at = (place: number) => [[place === 41 ? 8 : place % 8]]
      const { results, failures } = await model.predictMany(Array.from({ length: 100 }, (_, i) => at(i)))
      return {
        right: results.filter(({ index, outputs }) => outputs['value'] === (index % 8) ** 2).length,
        failures: failures.map(({ index, error: { code, message, cause } }) => ({
          index,
          code,
          message,
          cause,
        })),
      }
    })
    const message = expect.stringMatching(/^The model failed to run in its Gather node[^8]*$/) as string
    expect(seen).toEqual({ right: 99, failures: [{ index: 41, code: 'engine/run-failed', message }] })
    expect(lines.filter((line) => /idx|bounds|Gather/.test(line))).toEqual([])
  })

  test('a label ranks by its score', async () => {
    await load('pets')
    const scores = await page.evaluate(async () => {
      const { results } = await model.predictMany(
        Array.from({ length: 50 }, (_, i) => Float32Array.from([i % 7, i % 3, -i % 5, i % 11])),
        { rankBy: 'pet', top: 20 },
      )
      return results.map(({ outputs }) => (outputs['pet'] as { score: number }).score)
    })
    expect(scores).toHaveLength(20)
    expect(scores).toEqual([...scores].sort((a, b) => b - a))
  })
})

declare global {
  /** Which version answered how many, call by call. */
  var versions: [version: string, count: number][]
}
