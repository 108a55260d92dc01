import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { initRepository, publish } from '@afield/cli'
import type { AfieldOptions, Prediction } from 'afield'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Browser, Page } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { check } from '../e2e/support/device.js'
import { startOpenInference, type OpenInferenceServer } from '../servers/open-inference.js'
import { startServer, type StaticServer } from '../servers/static.js'
import { testApp } from '../support/app/test-app.js'
import { afield as cli } from '../support/cli.js'

const CHECKOUT = join(import.meta.dirname, '..', '..')
const MODELS = {
  'digit-reader': join(CHECKOUT, 'examples', 'digit-reader', 'models', 'digit-reader-1.0.0.onnx'),
  'tokens-classifier': join(CHECKOUT, 'test', 'models', 'text', 'tokens-classifier.onnx'),
} as const
type Name = keyof typeof MODELS

let folder: string
let repo: string
let root: string
let site: StaticServer
let server: OpenInferenceServer
let browser: Browser
let page: Page

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'afield-remote-inputs-'))
  repo = join(folder, 'repo')
  root = await readFile((await initRepository({ repo })).root, 'utf8')
  for (const [name, model] of Object.entries(MODELS)) {
    await publish({ repo, model, version: '1.0.0', author: 'Tests' })
    await cli('rollout', 'start', name, '--repo', repo, '--stable', '1.0.0')
  }
  site = await startServer({ mounts: { '/app': testApp(), '/repo': repo } })
  server = await startOpenInference({ models: MODELS })
  browser = await launchChromium()
}, 60_000)

beforeEach(async () => {
  page = await browser.open(`${site.url}/app/`)
})

afterAll(async () => {
  await browser?.close()
  await server?.close()
  await site?.close()
  await rm(folder, { recursive: true, force: true })
})

/** Loads a model with the server behind it, and asks what it says of the same thing here and, switched off, there. */
async function bothOf(name: Name): Promise<readonly Prediction[]> {
  const options = { repository: `${site.url}/repo/`, root, namespace: name }
  const ask = (): Promise<Prediction> =>
    page.evaluate(async (asked: string) => {
      if (asked === 'tokens-classifier') return model.predict('Was this helpful? 🐌')
      const canvas = Object.assign(document.createElement('canvas'), { width: 64, height: 64 })
      const context = canvas.getContext('2d')
      if (!context) throw new Error('This browser draws nothing.')
      context.fillRect(0, 0, 64, 64)
      context.fillStyle = '#fff'
      context.fillRect(28, 0, 12, 64)
      return model.predict(canvas)
    }, name)
  await page.evaluate(
    async (given: { options: AfieldOptions; name: string; url: string }) => {
      globalThis.afield = createAfield(given.options)
      globalThis.model = await afield.load(given.name, { fallback: { remote: { url: given.url } } })
    },
    { options, name, url: server.url },
  )
  const here = await ask()
  server.clearRequests()
  await cli('rollout', 'kill', name, '--repo', repo)
  expect(await check(page)).toBe('checked')
  return [here, await ask()]
}

test.each(Object.keys(MODELS) as Name[])(
  '%s answers on a server what it answers here',
  async (name) => {
    const [here, there] = await bothOf(name)
    expect(here).toMatchObject({ servedBy: 'model' })
    expect(there).toMatchObject({ servedBy: 'remote', modelVersion: '7', outputs: here?.outputs })
    const posts = server.requests.filter(({ method }) => method === 'POST')
    expect(posts.map(({ path }) => path)).toEqual([`/v2/models/${name}/infer`])
  },
  30_000,
)
