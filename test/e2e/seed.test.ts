import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Browser, Page } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { startServer, type StaticServer } from '../servers/static.js'
import { buildApp } from '../support/app/build.js'
import { afield as cli } from '../support/cli.js'
import { installApp, predict } from './support/device.js'

const MODELS = join(import.meta.dirname, '..', '..', 'examples', 'learner-risk', 'models')

let folder: string
let server: StaticServer
let browser: Browser
let page: Page
let root: string

/** An app that ships learner-risk 1.0.0 among its own files, and no repository anywhere. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'afield-seed-'))
  const repo = join(folder, 'repo')
  const app = join(folder, 'app')
  await cli('init', repo)
  await cli('publish', join(MODELS, 'learner-risk-1.0.0.onnx'), '--version', '1.0.0', '--repo', repo)
  const files = (await readdir(repo, { recursive: true, withFileTypes: true })).filter((one) => one.isFile())
  await buildApp({
    root: join(import.meta.dirname, '..', 'support', 'app'),
    outDir: app,
    base: '/app/',
    files: Object.fromEntries(
      files.map(({ parentPath, name }) => {
        const path = join(parentPath, name)
        return [join('seed', relative(repo, path)), path]
      }),
    ),
  })
  root = await readFile(join(repo, 'metadata', '1.root.json'), 'utf8')
  server = await startServer({ mounts: { '/app': app } })
  browser = await launchChromium()
  page = await browser.open(`${server.url}/app/`)
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await server?.close()
  await rm(folder, { recursive: true, force: true })
})

const load = (namespace: string): Promise<string | undefined> =>
  page.evaluate(
    async (given) => {
      globalThis.afield = createAfield({
        repository: 'https://models.invalid/',
        root: given.root,
        namespace: given.namespace,
        seed: './seed/',
      })
      globalThis.model = await afield.load('learner-risk')
      return model.version
    },
    { root, namespace },
  )

test('a first visit serves what the app ships, with the repository never reached', async () => {
  expect(await load('first')).toBe('1.0.0')
  expect((await predict(page)).modelVersion).toBe('1.0.0')
})

test('and so does a first visit without any network, once the app is installed', async () => {
  await installApp(page)
  await page.reload()
  await server.stop()
  await browser.setOffline(true)
  await page.reload()
  expect(await load('offline')).toBe('1.0.0')
  expect((await predict(page)).modelVersion).toBe('1.0.0')
})
