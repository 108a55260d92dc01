import type { AfieldEvents, Stats } from 'afield'
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, test } from 'vitest'
import type { Browser, Page } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { startWatchedSite, type WatchedSite } from './support/watched-site.js'

declare global {
  /** Objectives that were missed or met again, and what the app's logger heard. */
  var told: AfieldEvents['slo'][]
  var said: string[]
}

let site: WatchedSite
let browser: Browser
let page: Page

beforeAll(async () => {
  site = await startWatchedSite()
  browser = await launchChromium()
}, 60_000)

beforeEach(async () => {
  page = await browser.open(site.url)
})

afterEach(async () => {
  await page.close()
})

afterAll(async () => {
  await browser?.close()
  await site?.close()
})

function load(isHeard = false): Promise<void> {
  return page.evaluate(
    async ({ repository, root, isHeard }) => {
      globalThis.said = []
      globalThis.told = []
      globalThis.afield = createAfield({
        repository,
        root,
        logger: (level, message) => level !== 'debug' && globalThis.said.push(`${level} ${message}`),
      })
      if (isHeard) afield.on('slo', (event) => globalThis.told.push(event))
      globalThis.model = await afield.load('learner-risk')
    },
    { repository: site.repository, root: site.root, isHeard },
  )
}

function stats(): Promise<Stats> {
  return page.evaluate(() => model.stats())
}

describe('stats()', () => {
  test('counts from the first prediction on, by version, over a swap', async () => {
    await load()
    await page.evaluate(async () => {
      // Few together: all of them are as slow as their call, of which one may be slow.
      for (let i = 0; i < 97; i++) await model.predict({ hours_studied: 3, quiz_score: 42 })
      await model.predictMany(Array.from({ length: 3 }, () => ({ hours_studied: 3, quiz_score: 42 })))
      await model.predict({ hours_studied: 'many', quiz_score: 42 }).catch(() => undefined)
      await model
        .predict({ hours_studied: 3, quiz_score: 42 }, { signal: AbortSignal.abort() })
        .catch(() => undefined)
    })
    const before = await stats()
    expect(before.total).toMatchObject({ count: 102, errors: 2, timeouts: 0, success: 100 / 102 })
    expect(before.errors).toEqual({ 'input/invalid': 1, aborted: 1 })
    expect(before.versions).toMatchObject([{ version: '1.0.0', backend: 'wasm', count: 102 }])
    const { p50, p95, p99, max, mean } = before.total.latencyMs
    expect(0 < p50 && p50 <= p95 && p95 <= p99 && p99 <= max * 1.011 && mean <= max).toBe(true)
    expect(before.total.perSecond).toBeGreaterThan(1)
    expect(before.engines).toMatchObject({ workers: 1, waiting: 0, running: 0 })
    expect(before.engines.heapBytes, 'at least what onnxruntime starts with').toBeGreaterThan(1024 * 1024)

    await site.publish('2.0.0')
    await page.evaluate(async () => {
      await afield.check()
      for (let i = 0; i < 20; i++) await model.predict({ hours_studied: 3, quiz_score: 42 })
    })
    const after = await stats()
    expect(after.versions.map(({ version, count }) => [version, count])).toEqual([
      ['2.0.0', 20],
      ['1.0.0', 102],
    ])
    expect(after.total.count).toBe(122)
    expect(after.engines.workers).toBe(1)
    expect(after.bytes.stored).toBeGreaterThan(before.bytes.stored)
    expect(after.bytes.fetched).toBeGreaterThan(before.bytes.fetched)
    expect(after.objectives).toMatchObject([
      { objective: 'latency', thresholdMs: 100, target: 0.95, state: 'met' },
      { objective: 'availability', target: 0.999, state: 'insufficient', share: undefined },
    ])
    expect(await page.evaluate(() => said.filter((line) => line.startsWith('warn')))).toEqual([])
  })

  test('counts what ran out of time, and who answered in its place', async () => {
    await load()
    const { settled, results, servedBy } = await page.evaluate(async () => {
      const many = Array.from({ length: 60_000 }, () => ({ hours_studied: 3, quiz_score: 42 }))
      const settled = await model.predictMany(many, { timeoutMs: 20 }).then(
        () => 'answered',
        (error: unknown) => (error instanceof AfieldError ? error.code : String(error)),
      )
      const answer = { risk_score: 0.5, needs_support: true }
      globalThis.model = await afield.load('learner-risk', { fallback: { answer } })
      const { results, servedBy } = await model.predictMany(many, { timeoutMs: 20 })
      return { settled, results: results.length, servedBy }
    })
    expect({ settled, results, servedBy }).toEqual({
      settled: 'engine/timeout',
      results: 60_000,
      servedBy: 'constant',
    })
    const { total, errors, fallback, objectives } = await stats()
    expect(total).toMatchObject({ count: 120_000, errors: 120_000, timeouts: 120_000, success: 0 })
    expect(errors).toEqual({ 'engine/timeout': 120_000 })
    expect(fallback).toEqual({ remote: 0, constant: 60_000, function: 0 })
    expect(objectives).toMatchObject([
      { objective: 'latency', share: 0, state: 'missed' },
      { objective: 'availability', share: 0, state: 'missed' },
    ])
  })

  test('tells the bytes of a model: fetched on the first visit, and only stored on the next', async () => {
    const other = await launchChromium()
    await page.close()
    page = await other.open(site.url)
    await load()
    const first = (await stats()).bytes
    expect(first.stored).toBeGreaterThan(500)
    expect(first.fetched).toBeGreaterThan(500)
    expect(await page.evaluate(async () => (await afield.storage()).models[0]?.bytes)).toBe(first.stored)
    await page.reload()
    await load()
    expect((await stats()).bytes).toEqual({ stored: first.stored, fetched: 0 })
    await other.close()
    page = await browser.open(site.url)
  })

  test('starts no work of its own: nothing is requested for it but its code, and once', async () => {
    await load()
    await page.evaluate(() => model.predict({ hours_studied: 3, quiz_score: 42 }))
    await stats()
    await page.evaluate(() => model.drift())
    const seen: string[] = []
    page.onRequest(({ url }) => seen.push(url))
    await page.evaluate(async () => {
      for (let i = 0; i < 50; i++) await model.predict({ hours_studied: 3, quiz_score: 42 })
      await model.stats()
      await model.drift()
    })
    expect(seen).toEqual([])
  })

  test('holds a model that serves no longer to the objectives that it had', async () => {
    await load()
    const objectives = await page.evaluate(async () => {
      await model.predict({ hours_studied: 3, quiz_score: 42 })
      const before = (await model.stats()).objectives
      await afield.remove('learner-risk')
      const code = await model.predict({ hours_studied: 3, quiz_score: 42 }).then(
        () => 'answered',
        (error: unknown) => (error instanceof AfieldError ? error.code : String(error)),
      )
      return { before, code, after: (await model.stats()).objectives }
    })
    expect(objectives.code).not.toBe('answered')
    expect(objectives.before).toMatchObject([{ thresholdMs: 100 }, { objective: 'availability' }])
    expect(objectives.after).toMatchObject([{ thresholdMs: 100 }, { objective: 'availability' }])
  })

  test('is refused once Afield is closed', async () => {
    await load()
    const code = await page.evaluate(async () => {
      await afield.close()
      return model.stats().then(
        () => 'told',
        (error: unknown) => (error instanceof AfieldError ? error.code : String(error)),
      )
    })
    expect(code).toBe('closed')
  })
})

describe("on('slo')", () => {
  test('tells that a model is too slow, and when it is fast enough again', async () => {
    await site.publishHard('counts-up', '1.0.0')
    await load(true)
    const slow = await page.evaluate(async () => {
      globalThis.model = await afield.load('counts-up')
      const ms: number[] = []
      for (let i = 0; i < 4; i++) ms.push((await model.predict({ up_to: 100_000 })).latencyMs)
      for (let i = 0; i < 30; i++) await model.predict({ up_to: 5 })
      for (let i = 0; i < 200 && told.length < 1; i++) await new Promise((resolve) => setTimeout(resolve, 50))
      return { ms: Math.min(...ms), told }
    })
    expect(slow.told).toMatchObject([
      { type: 'slo', model: 'counts-up', objective: 'latency', target: 0.95, state: 'missed' },
    ])
    const { thresholdMs = NaN, budgetLeft } = slow.told[0] ?? {}
    expect(slow.ms).toBeGreaterThan(thresholdMs)
    expect(budgetLeft).toBeLessThan(0)
    expect((await stats()).objectives).toMatchObject([{ state: 'missed' }, { state: 'insufficient' }])
    expect(await page.evaluate(() => said)).toContainEqual(
      expect.stringMatching(
        /^warn "counts-up" is slower than it should on this page: [\d.]+ % of its predictions are answered within \d+ ms, and 95 % should be\.$/,
      ),
    )

    // Of 234 predictions, 11 may be slow; four are, and more than a tenth of the budget is left.
    const met = await page.evaluate(async () => {
      for (let i = 0; i < 200; i++) await model.predict({ up_to: 5 })
      for (let i = 0; i < 200 && told.length < 2; i++) await new Promise((resolve) => setTimeout(resolve, 50))
      return told
    })
    expect(met.slice(1)).toMatchObject([{ objective: 'latency', state: 'met' }])
    expect(met[1]?.budgetLeft).toBeGreaterThanOrEqual(0.1)
    expect(await page.evaluate(() => said.filter((line) => line.includes('slower')).length)).toBe(1)
  }, 60_000)
})

test("on('slo') tells of an outage on a page that asks little, and of one failure not", async () => {
  await site.publishHard('square-root', '1.0.0')
  await load(true)
  const ask = (numbers: readonly number[]) =>
    page.evaluate(async (given) => {
      globalThis.model = await afield.load('square-root')
      for (const x of given) await model.predict({ x }).catch(() => undefined)
      await new Promise((resolve) => setTimeout(resolve, 1500))
      return told.filter(
        ({ objective, model: name }) => objective === 'availability' && name === 'square-root',
      )
    }, numbers)
  expect(await ask([...Array.from({ length: 11 }, () => 4), -1])).toEqual([])
  expect(await ask(Array.from({ length: 9 }, () => -1))).toMatchObject([
    { type: 'slo', target: 0.999, state: 'missed' },
  ])
  expect((await stats()).objectives[1]).toMatchObject({ state: 'missed', share: 11 / 21, budgetLeft: -9 })
  expect(await page.evaluate(() => said)).toContainEqual(
    expect.stringMatching(
      /^warn "square-root" answers less often than it should on this page: [\d.]+ % of its/,
    ),
  )
})

describe('a version that keeps failing', () => {
  test('gives way to the one before it, though its golden vectors pass and no five calls in a row fail', async () => {
    await load()
    await page.evaluate(async () => {
      globalThis.model = await afield.load('square-root')
    })
    await site.publishHard('square-root', '1.1.0')
    const seen = await page.evaluate(async () => {
      await afield.check()
      const before = model.version
      const rejected = new Promise<string>((resolve) =>
        afield.on('rejected', ({ version, code }) => resolve(`${version} ${code}`)),
      )
      // One call in ten gets no number.
      for (let i = 0; i < 140; i++) await model.predict({ x: i % 10 === 9 ? -1 : i }).catch(() => undefined)
      const told = await rejected
      while (model.version === before) await new Promise((resolve) => setTimeout(resolve, 10))
      const { outputs, modelVersion, servedBy } = await model.predict({ x: 9 })
      return { before, told, outputs, modelVersion, servedBy }
    })
    expect(seen).toEqual({
      before: '1.1.0',
      told: '1.1.0 engine/run-failed',
      outputs: { root: 3 },
      modelVersion: '1.0.0',
      servedBy: 'previous',
    })
    const { versions } = await stats()
    expect(versions.map(({ version }) => version)).toEqual(['1.0.0', '1.1.0'])
    expect(versions[1]?.errors).toBeGreaterThan(5)
  })
})

describe('drift()', () => {
  /** Predicts for so many of the rows that the profile was made of, changed as `shift` says, and asks. */
  function driftOf(shift: 'none' | 'scores' | 'missing') {
    const rows = site.rows.slice(0, 2000).map(({ hours_studied: hours, quiz_score: score }) => ({
      hours_studied: hours,
      quiz_score: shift === 'scores' ? Math.max(0, score - 25) : score,
    }))
    return page.evaluate(async (given) => {
      await model.predictMany(given)
      return model.drift()
    }, rows)
  }

  test('says before the first prediction that there is something to compare with', async () => {
    await load()
    const { hasReference, fields, outputs } = await page.evaluate(() => model.drift())
    expect(hasReference).toBe(true)
    expect([...fields, ...outputs].map(({ count, state }) => [count, state])).toEqual(
      Array.from({ length: 4 }, () => [0, 'insufficient']),
    )
  })

  test('sees none in the data that it was trained on', async () => {
    await load()
    const { fields, outputs, predictions, version, hasReference } = await driftOf('none')
    expect({ predictions, hasReference }).toEqual({ predictions: 2000, hasReference: true })
    expect(version).toBe('2.0.0')
    expect(fields.map(({ name, state, count }) => [name, state, count])).toEqual([
      ['hours_studied', 'stable', 2000],
      ['quiz_score', 'stable', 2000],
    ])
    expect(outputs.map(({ name, state }) => [name, state])).toEqual([
      ['risk_score', 'stable'],
      ['needs_support', 'stable'],
    ])
  })

  test('sees a shift of one field, in it and in what the model answers', async () => {
    await load()
    const { fields, outputs } = await driftOf('scores')
    expect(fields.map(({ name, drifted }) => [name, drifted])).toEqual([
      ['hours_studied', false],
      ['quiz_score', true],
    ])
    expect(fields[1]?.bin).toMatch(/^below \d/)
    expect(outputs.some(({ drifted }) => drifted)).toBe(true)
  })

  test('keeps what an engine counted that an update replaced, and begins anew with each version', async () => {
    await load()
    const counted = await page.evaluate(async () => {
      const rows = Array.from({ length: 500 }, (_, i) => ({ hours_studied: i % 60, quiz_score: i % 100 }))
      await model.predictMany(rows)
      const old = await afield.load('learner-risk', { version: '1.0.0' })
      await old.predictMany(rows.slice(0, 100))
      await model.benchmark({ samples: 20, input: { hours_studied: 3, quiz_score: 42 } })
      const [now, before] = [await model.drift(), await old.drift()]
      await afield.remove('learner-risk')
      globalThis.model = await afield.load('learner-risk')
      await model.predictMany(rows.slice(0, 50))
      const again = await model.drift()
      return [now, before, again].map(({ version, predictions }) => [version, predictions])
    })
    expect(counted).toEqual([
      ['2.0.0', 500],
      ['1.0.0', 100],
      ['2.0.0', 550],
    ])
  })
})
