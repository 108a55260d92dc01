import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Browser, Page } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { startServer, type StaticServer } from '../servers/static.js'
import { buildApp } from '../support/app/build.js'
import { afield } from '../support/cli.js'
import { publishExample } from './support/workshop.js'

const MODELS = join(import.meta.dirname, '..', '..', 'examples', 'learner-risk', 'models')
const CHUNKS = '/models/chunks/**'

let folder: string
let server: StaticServer
let root: string
let browser: Browser
let page: Page

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'afield-react-'))
  await publishExample(join(folder, 'models'))
  await afield('rollout', 'start', 'learner-risk', '--stable', '1.0.0', '--repo', join(folder, 'models'))
  root = await readFile(join(folder, 'models', 'metadata', '1.root.json'), 'utf8')
  await buildApp({
    root: join(import.meta.dirname, 'react-page'),
    outDir: join(folder, 'app'),
    base: '/app/',
  })
  server = await startServer({ mounts: { '/app': join(folder, 'app'), '/models': join(folder, 'models') } })
}, 60_000)

beforeEach(async () => {
  browser = await launchChromium()
  page = await browser.open(`${server.url}/app/`)
})

afterEach(async () => {
  server.clearFaults()
  await browser.close()
})

afterAll(async () => {
  await server?.close()
  await rm(folder, { recursive: true, force: true })
})

const options = () => ({ repository: `${server.url}/models/`, root })
const texts = () =>
  page.evaluate(() => [...document.querySelectorAll('p')].map(({ textContent }) => textContent))
const shown = (expected: readonly string[]) => expect.poll(texts, { timeout: 10_000 }).toEqual(expected)
const seen = () => page.evaluate(() => globalThis.seen)
const abortedLoads = () => page.evaluate(() => globalThis.loads.map(({ aborted }) => aborted()))

test('two components in strict mode show one load: on its way, with its progress, ready', async () => {
  await page.evaluate((given) => globalThis.show(given, 2), options())
  await shown(['ready 1.0.0', 'ready 1.0.0'])
  expect(await seen()).toEqual(['loading', 'progress', 'ready 1.0.0'])
  expect(await abortedLoads()).toEqual([false])
})

test('a component that is taken out aborts the load only where nobody else waits for it', async () => {
  server.fault(CHUNKS, { kind: 'delay', ms: 1500 })
  await page.evaluate((given) => globalThis.show(given, 2), options())
  await page.evaluate(() => globalThis.showAgain(1))
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 100)))
  expect(await abortedLoads()).toEqual([false])
  await page.evaluate(() => globalThis.showAgain(0))
  await expect.poll(abortedLoads).toEqual([true])
  await page.evaluate(() => globalThis.showAgain(1))
  await shown(['ready 1.0.0'])
  expect(await abortedLoads()).toEqual([true, false])
})

test('what cannot be loaded says why, and is retried when asked', async () => {
  server.fault('/models/metadata/timestamp.json', { kind: 'status', status: 500 })
  await page.evaluate((given) => globalThis.show(given, 1), options())
  await shown(['failed manifest/unavailable'])
  server.clearFaults()
  await page.evaluate(() => globalThis.press())
  await shown(['ready 1.0.0'])
})

test('a component in Suspense waits; what fails goes to the error boundary, and is tried again', async () => {
  server.fault('/models/metadata/timestamp.json', { kind: 'status', status: 500 })
  await page.evaluate((given) => globalThis.showSuspended(given), options())
  await shown(['waiting'])
  await shown(['caught manifest/unavailable'])
  server.clearFaults()
  await page.evaluate(() => globalThis.press())
  await shown(['ready 1.0.0'])
})

test('another version, a kill and a revival show', async () => {
  await page.evaluate((given) => globalThis.show(given, 1), options())
  await shown(['ready 1.0.0'])
  const repo = join(folder, 'models')
  const check = () => page.evaluate(async () => void (await globalThis.afield.check()))
  const next = join(MODELS, 'learner-risk-2.0.0.onnx')
  await afield('publish', next, '--version', '2.0.0', '--repo', repo)
  await afield('rollout', 'start', 'learner-risk', '--stable', '2.0.0', '--repo', repo)
  await check()
  await shown(['ready 2.0.0'])
  await afield('rollout', 'kill', 'learner-risk', '--repo', repo)
  await check()
  await shown(['failed model/killed'])
  await afield('rollout', 'revive', 'learner-risk', '--repo', repo)
  await check()
  await shown(['ready 2.0.0'])
})

test('a model that is switched off between its load and its first showing has failed, and comes back', async () => {
  const repo = join(folder, 'models')
  const rollout = (action: string) => afield('rollout', action, 'learner-risk', '--repo', repo)
  const check = () => page.evaluate(async () => void (await globalThis.afield.check()))
  await page.evaluate((given) => {
    globalThis.afterLoad = () => new Promise((resolve) => (globalThis.press = resolve))
    globalThis.show(given, 1)
  }, options())
  await expect.poll(() => page.evaluate(() => globalThis.loads.length)).toBe(1)
  await page.evaluate(async () => {
    while (!String(globalThis.press).includes('native'))
      await new Promise((resolve) => setTimeout(resolve, 10))
  })
  await rollout('kill')
  await check()
  await page.evaluate(() => globalThis.press())
  await shown(['failed model/killed'])
  await rollout('revive')
  await check()
  await shown(['ready 2.0.0'])
})

test('a model with a fallback is ready also while the fallback answers', async () => {
  const repo = join(folder, 'models')
  const rollout = (action: string) => afield('rollout', action, 'learner-risk', '--repo', repo)
  const check = () => page.evaluate(async () => void (await globalThis.afield.check()))
  await page.evaluate((given) => {
    globalThis.fallback = { answer: { risk_score: 0.5 } }
    globalThis.show(given, 1)
  }, options())
  await shown(['ready 2.0.0'])
  await rollout('kill')
  await check()
  await shown(['ready undefined'])
  await rollout('revive')
  await check()
  await shown(['ready 2.0.0'])
})
