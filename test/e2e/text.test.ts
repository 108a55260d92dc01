import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { initRepository, publish } from '@afield/cli'
import { createDevice } from 'afield/node'
import type { Browser, Page } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { startServer, type StaticServer } from '../servers/static.js'
import { testApp } from '../support/app/test-app.js'

const ROOT = join(import.meta.dirname, '..', '..')
const MODELS = {
  'content-check': join(ROOT, 'examples', 'content-check', 'models', 'content-check-1.0.0'),
  'tokens-classifier': join(ROOT, 'test', 'models', 'text', 'tokens-classifier'),
} as const
type Name = keyof typeof MODELS

interface Golden {
  readonly input: string
  readonly output: Readonly<Record<string, number | { readonly label: string; readonly score: number }>>
}

let folder: string
let server: StaticServer
let browser: Browser
let page: Page
let root: string
const requests: string[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'afield-text-'))
  const repo = join(folder, 'repo')
  const made = await initRepository({ repo })
  root = await readFile(made.root, 'utf8')
  for (const model of Object.values(MODELS)) await publish({ repo, model: `${model}.onnx`, version: '1.0.0' })
  server = await startServer({ mounts: { '/app': testApp(), '/repo': repo } })
  browser = await launchChromium()
  page = await browser.open()
  page.onRequest(({ url }) => requests.push(url))
  await page.goto(`${server.url}/app/`)
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await server?.close()
  await rm(folder, { recursive: true, force: true })
})

async function golden(name: Name): Promise<readonly Golden[]> {
  return JSON.parse(await readFile(`${MODELS[name]}.golden.json`, 'utf8')) as readonly Golden[]
}

/** What the page's own device says of texts, asked all at once. */
function ask(name: Name, texts: readonly string[]): Promise<readonly Record<string, unknown>[]> {
  return page.evaluate(
    async ({ repository, root, name, texts }) => {
      const device = createAfield({ repository, root, namespace: name })
      const model = await device.load(name)
      const predictions = await Promise.all(texts.map((text) => model.predict(text)))
      await device.close()
      return predictions.map(({ outputs }) => outputs)
    },
    { repository: `${server.url}/repo/`, root, name, texts },
  )
}

/** Answers as they must be, within the models' tolerance. */
function promised(vectors: readonly Golden[]): readonly unknown[] {
  const close = (value: number): number => expect.closeTo(value, 4) as number
  return vectors.map(({ output }): unknown =>
    expect.objectContaining(
      Object.fromEntries(
        Object.entries(output).map(([name, value]) => [
          name,
          typeof value === 'number' ? close(value) : { ...value, score: close(value.score) },
        ]),
      ),
    ),
  )
}

function files(): readonly string[] {
  return requests.map((url) => new URL(url).pathname.split('/').at(-1) ?? '')
}

test('a graph that takes the text itself: every golden text, and no tokenizer is fetched', async () => {
  const vectors = await golden('content-check')
  expect(
    await ask(
      'content-check',
      vectors.map(({ input }) => input),
    ),
  ).toEqual(promised(vectors))
  expect(files().filter((file) => /^text-.*\.js$/.test(file))).toHaveLength(1)
  expect(files().filter((file) => file.startsWith('tokenizer-'))).toEqual([])
})

test.each(['text', 'tokenizer'])(
  'where %s.js cannot be fetched, the version is not to blame and serves once it can',
  async (file) => {
    // Files that were fetched before are in the HTTP cache of the browser.
    const fresh = await launchChromium()
    const visitor = await fresh.open(`${server.url}/app/`)
    const load = (): Promise<string | undefined> =>
      visitor.evaluate(
        async ({ repository, root }) => {
          const device = createAfield({ repository, root })
          try {
            return (await device.load('tokens-classifier')).version
          } catch (error) {
            return error instanceof AfieldError ? error.code : String(error)
          } finally {
            await device.close()
          }
        },
        { repository: `${server.url}/repo/`, root },
      )
    server.fault(`/app/assets/${file}-*.js`, { kind: 'status', status: 503 })
    const refused = await load()
    server.clearFaults()
    const served = await load()
    await fresh.close()
    expect([refused, served]).toEqual(['engine/runtime-unavailable', '1.0.0'])
  },
)

test('a tokenizer that comes with the model: every golden text, in one run of padded tokens', async () => {
  const vectors = await golden('tokens-classifier')
  requests.length = 0
  expect(
    await ask(
      'tokens-classifier',
      vectors.map(({ input }) => input),
    ),
  ).toEqual(promised(vectors))
  expect(files().filter((file) => /^tokenizer-.*\.js$/.test(file))).toHaveLength(1)
})

test('a bad text among good ones is refused alone', async () => {
  const refusal = await page.evaluate(
    async ({ repository, root }) => {
      const device = createAfield({ repository, root, namespace: 'tokens-classifier' })
      const model = await device.load('tokens-classifier')
      const asked = ['hello', 'a\0b', '\ud83d', 'x'.repeat(10_001), 'world'].map((text) =>
        model.predict(text),
      )
      const settled = await Promise.allSettled(asked)
      await device.close()
      return settled.map((one) =>
        one.status === 'rejected' && one.reason instanceof AfieldError
          ? [one.reason.code, one.reason.details['field'], one.reason.details['problem']].join(' ')
          : one.status,
      )
    },
    { repository: `${server.url}/repo/`, root },
  )
  expect(refusal).toEqual([
    'fulfilled',
    'input/invalid text malformed',
    'input/invalid text malformed',
    'input/invalid text too-large',
    'fulfilled',
  ])
})

test('the same in Node', async () => {
  const device = createDevice({ repository: `${server.url}/repo/`, root })
  const vectors = await golden('tokens-classifier')
  await device.load('tokens-classifier')
  const answers = []
  for (const { input } of vectors) answers.push((await device.predict('tokens-classifier', input)).outputs)
  expect(answers).toEqual(promised(vectors))
  await device.close()
})
