import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { initRepository, publish } from '@afield/cli'
import type { Health } from 'afield'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Browser, Page } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { startServer, type StaticServer } from '../servers/static.js'
import { testApp } from '../support/app/test-app.js'
import { HARD_INPUTS, writeHardModel } from '../support/models/hard.js'

const MODEL = 'square-root'
const { good, bad } = HARD_INPUTS[MODEL]

let folder: string
let server: StaticServer
let root: string
let browser: Browser
let page: Page
let visit = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'afield-breaker-'))
  const repo = join(folder, 'repo')
  root = await readFile((await initRepository({ repo })).root, 'utf8')
  await publish({ repo, model: await writeHardModel(folder, MODEL), version: '1.0.0' })
  server = await startServer({ mounts: { '/app': testApp(), '/repo': repo } })
  browser = await launchChromium()
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await server?.close()
  await rm(folder, { recursive: true, force: true })
})

declare global {
  var enginesStarted: number
}

/** Opens a page that has never been here, counts the engines that it starts, and loads the model. */
beforeEach(async () => {
  page = await browser.open(`${server.url}/app/`)
  await page.evaluate(
    async (options) => {
      globalThis.enginesStarted = 0
      globalThis.Worker = class extends Worker {
        constructor(url: string | URL, how?: WorkerOptions) {
          if (how?.name === 'afield engine') globalThis.enginesStarted += 1
          super(url, how)
        }
      }
      globalThis.afield = createAfield(options)
      globalThis.model = await afield.load('square-root')
    },
    { repository: `${server.url}/repo/`, root, namespace: `visit-${(visit += 1)}` },
  )
})

afterEach(() => page.close())

/** Asks one after the other; who answered, or which error there was. */
function ask(inputs: readonly object[]): Promise<readonly string[]> {
  return page.evaluate(async (given) => {
    const said: string[] = []
    for (const input of given) {
      try {
        const { servedBy, modelVersion } = await model.predict(input as never)
        said.push(`${servedBy} ${modelVersion}`)
      } catch (error) {
        if (!(error instanceof AfieldError)) throw error
        said.push(error.code)
      }
    }
    return said
  }, inputs)
}

function times<T>(count: number, value: T): readonly T[] {
  return Array.from({ length: count }, () => value)
}

function health(): Promise<Omit<Health, 'error'>> {
  return page.evaluate(async () => {
    const { error: _none, ...rest } = await model.health()
    return rest
  })
}

test('a model that fails five times is proved anew on another engine, and asked again as soon as that is done', async () => {
  expect(await ask([good])).toEqual(['model 1.0.0'])
  const before = await page.evaluate(() => globalThis.enginesStarted)
  expect(await ask(times(5, bad))).toEqual(times(5, 'engine/run-failed'))
  await expect.poll(() => page.evaluate(() => globalThis.enginesStarted)).toBe(before + 1)
  await expect.poll(async () => (await health()).breaker).toBe('half-open')
  expect(await ask(times(3, good))).toEqual(times(3, 'model 1.0.0'))
  expect(await health()).toMatchObject({ breaker: 'closed', canPredict: true })
})

test('a model that goes on failing then is left alone; a fallback knows why', async () => {
  await ask(times(5, bad))
  await expect.poll(async () => (await health()).breaker).toBe('half-open')
  expect(await ask([bad, good, good])).toEqual([
    'engine/run-failed',
    'engine/unavailable',
    'engine/unavailable',
  ])
  const refused = await page.evaluate(async (input) => {
    try {
      await model.predict(input as never)
    } catch (error) {
      if (!(error instanceof AfieldError)) throw error
      const { code, details, cause } = error
      return { code, details, cause: cause instanceof AfieldError ? cause.code : undefined }
    }
    throw new Error('nothing was refused')
  }, good as object)
  expect(refused).toMatchObject({ code: 'engine/unavailable', cause: 'engine/run-failed' })
  expect(refused.details['retryAfterMs']).toBeGreaterThan(50_000)
  // It works, which only its test tells: the app's own inputs are what it fails for.
  expect(await health()).toMatchObject({ breaker: 'open', canPredict: true, answers: false })

  const reasons = await page.evaluate(async (input) => {
    const seen: string[] = []
    const answer = (_: unknown, reason: { readonly code: string }) => {
      seen.push(reason.code)
      return { root: 0 }
    }
    const again = await afield.load('square-root', { fallback: { answer } })
    const { servedBy } = await again.predict(input as never)
    return [servedBy, ...seen]
  }, good as object)
  expect(reasons).toEqual(['function', 'engine/unavailable'])
  const { fallback, total } = await page.evaluate(() => model.stats())
  expect(fallback).toEqual({ remote: 0, constant: 0, function: 1 })
  expect(total.errors).toBeGreaterThan(5)
})

test('a version that fails now and then, too often, gives way to the one before it on the spot', async () => {
  const repo = join(folder, 'repo')
  await publish({ repo, model: join(folder, `${MODEL}.onnx`), version: '2.0.0' })
  await page.evaluate(async () => void (await afield.check()))
  expect(await ask([good])).toEqual(['model 2.0.0'])
  // One in ten; never five in a row.
  const inputs = Array.from({ length: 150 }, (_, i) => (i % 10 === 9 ? bad : good))
  expect(await ask(inputs)).toContain('engine/run-failed')
  await expect.poll(async () => (await ask([good]))[0]).toBe('previous 1.0.0')
  const { failures, sentence } = await page.evaluate(() => model.explain())
  expect(failures).toMatchObject([{ version: '2.0.0', code: 'engine/run-failed' }])
  expect(sentence).toContain('2.0.0')
  const many = await page.evaluate(
    async (input) => (await model.predictMany([input] as never[])).servedBy,
    good,
  )
  expect(many).toBe('previous')
})
