import { mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Browser } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { startServer, type StaticServer } from '../servers/static.js'
import { buildApp } from '../support/app/build.js'
import { installApp } from './support/device.js'

let folder: string
let server: StaticServer
let browser: Browser

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'afield-deploy-'))
  await buildApp({
    root: join(import.meta.dirname, '..', 'support', 'app'),
    outDir: join(folder, 'app'),
    base: '/app/',
  })
  server = await startServer({ mounts: { '/app': join(folder, 'app') } })
  browser = await launchChromium()
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await server?.close()
  await rm(folder, { recursive: true, force: true })
})

test('a tab of the build before keeps its own files after a deploy; two builds later they are gone', async () => {
  const page = await browser.open(`${server.url}/app/`)
  await installApp(page)
  const files = await readdir(join(folder, 'app', 'assets'))
  const engine = `assets/${files.find((file) => /^engine.*\.js$/.test(file)) ?? 'none'}`
  await page.reload()

  const fetchEngine = (): Promise<string> =>
    page.evaluate(async (path: string) => {
      const response = await fetch(path, { cache: 'no-store' })
      return response.ok ? 'there' : String(response.status)
    }, engine)
  await deploy('assets', 'second')
  await page.evaluate(becomeNextBuild)
  expect(await fetchEngine()).toBe('there')
  await expect.poll(() => page.evaluate(builds)).toBe(2)

  await deploy('second', 'third')
  await page.evaluate(becomeNextBuild)
  await expect.poll(() => page.evaluate(builds)).toBe(2)
  expect(await fetchEngine()).toBe('404')
})

/** Another build of the same app: every asset under another name, and a service worker that knows the new ones. */
async function deploy(before: string, after: string): Promise<void> {
  const app = join(folder, 'app')
  await rename(join(app, before), join(app, after))
  for (const file of ['index.html', 'sw.js']) {
    const text = await readFile(join(app, file), 'utf8')
    const renamed = text.replaceAll(`${before}/`, `${after}/`)
    await writeFile(join(app, file), renamed.replace(/(version:\s*["'`])/, `$1${after}-`))
  }
}

/** Finds the deployed service worker, and resolves when it takes this page over. */
async function becomeNextBuild(): Promise<void> {
  const taken = new Promise((resolve) =>
    navigator.serviceWorker.addEventListener('controllerchange', resolve, { once: true }),
  )
  await (await navigator.serviceWorker.ready).update()
  await taken
}

async function builds(): Promise<number> {
  return (await caches.keys()).length
}
