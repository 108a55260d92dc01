import { cp, mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Browser } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { startServer, type StaticServer } from '../servers/static.js'
import { expectPrediction } from './support/visit.js'
import { openWorkshop, type Workshop } from './support/workshop.js'

let workshop: Workshop
let browser: Browser
let app: string
const servers: StaticServer[] = []

beforeAll(async () => {
  workshop = await openWorkshop()
  browser = await launchChromium()
  app = await workshop.makeApp('page', [])
}, 120_000)

afterAll(async () => {
  await browser?.close()
  await Promise.all(servers.map((server) => server.close()))
  await workshop?.close()
})

async function serve(folder: string): Promise<StaticServer> {
  const server = await startServer({ mounts: { '/': folder } })
  servers.push(server)
  return server
}

test('without a bundler, from the same origin: the engine is asked for first, then the keeper', async () => {
  const { url } = await serve(app)
  const { requests } = await expectPrediction(browser, `${url}/`, workshop)
  const place = (file: string): number => requests.findIndex((asked) => asked.endsWith(file))
  expect(place('/engine.worker.js')).toBeGreaterThan(0)
  expect(place('/keeper.worker.js')).toBeGreaterThan(place('/engine.worker.js'))
  expect(requests.filter((asked) => asked.startsWith('blob:'))).toEqual([])
})

test('without a bundler, from a CDN: workers of another origin, under a strict policy', async () => {
  const cdn = await serve(join(app, 'node_modules'))
  const repository = new URL(workshop.deployment.repository).origin
  const policy = [
    "default-src 'none'",
    // An import map has to be inline.
    `script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval' ${cdn.url}`,
    `worker-src blob: ${cdn.url}`,
    `connect-src 'self' ${cdn.url} ${repository}`,
    'img-src data:',
  ].join('; ')
  const { url } = await serve(await withImports(`${cdn.url}/afield/dist/standalone.js`, policy))
  const { requests } = await expectPrediction(browser, `${url}/`, workshop)
  expect(requests).toContain(`${cdn.url}/afield/dist/ort/ort-wasm-simd-threaded.wasm`)
})

test('a CDN that gives no worker away is named, with what it must send', async () => {
  const cdn = await serve(join(app, 'node_modules'))
  cdn.fault('/afield/dist/*.worker.js', { kind: 'status', status: 403 })
  const { url } = await serve(await withImports(`${cdn.url}/afield/dist/standalone.js`))
  const page = await browser.open()
  const said: string[] = []
  page.onConsole(({ text }) => said.push(text))
  await page.goto(`${url}/`)
  const advice = `${cdn.url} must send Access-Control-Allow-Origin`
  await expect.poll(() => said.join('\n'), { timeout: 10_000 }).toContain(advice)
  await page.close()
})

/** The app with `afield` from elsewhere. */
async function withImports(script: string, policy = ''): Promise<string> {
  const html = `<!doctype html>
<meta http-equiv="Content-Security-Policy" content="${policy}" />
<link rel="icon" href="data:," />
<script type="importmap">{ "imports": { "afield": "${script}" } }</script>
<script type="module" src="app.js"></script>`
  const folder = await mkdtemp(join(app, '..', 'page-cdn-'))
  for (const file of ['app.js', 'deployment.json']) await cp(join(app, file), join(folder, file))
  await writeFile(join(folder, 'index.html'), html)
  return folder
}
