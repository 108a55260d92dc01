import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Browser } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { spawnServer } from './support/spawned.js'
import { expectPrediction } from './support/visit.js'
import { openWorkshop, type Workshop } from './support/workshop.js'

let workshop: Workshop
let browser: Browser
let app: string

beforeAll(async () => {
  workshop = await openWorkshop()
  browser = await launchChromium()
  app = await workshop.makeApp('next', ['next', 'react', 'react-dom'])
}, 180_000)

afterAll(async () => {
  await browser?.close()
  await workshop?.close()
})

test('Next.js renders a component that uses a model on the server, and predicts in the browser', async () => {
  const next = join(app, 'node_modules', 'next', 'dist', 'bin', 'next')
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1' }
  await promisify(execFile)(process.execPath, [next, 'build'], { cwd: app, env })
  const server = await spawnServer(next, ['start', '--hostname', '127.0.0.1', '--port', '0'], app)
  try {
    const html = await (await fetch(server.url)).text()
    expect(html).toContain('<p>loading</p>')
    await expectPrediction(browser, server.url, workshop)
  } finally {
    await server.stop()
  }
}, 180_000)
