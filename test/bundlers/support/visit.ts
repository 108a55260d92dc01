import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect } from 'vitest'
import type { Browser } from '../../browser/browser.js'
import type { Workshop } from './workshop.js'

export interface Visit {
  /** URLs in the order they were asked for. */
  readonly requests: readonly string[]
}

/**
 * Opens an app and waits for its prediction, which must be the golden one; nothing may have been complained about, no
 * more of onnxruntime downloaded than its plain .wasm, and nothing that only others need: engines for GPUs, servers to
 * fall back on, telemetry, kinds of input that its model does not take, and what of the page is loaded when it is asked.
 */
export async function expectPrediction(browser: Browser, url: string, workshop: Workshop): Promise<Visit> {
  const requests = await visit(browser, url, workshop)
  expect(requests.filter((asked) => /jsep|asyncify|jspi/.test(asked))).toEqual([])
  expect(requests.filter((asked) => asked.endsWith('.wasm'))).toHaveLength(1)
  const scripts = await scriptsOf(requests)
  const whole = await recognised(scripts)
  expect(whole.map(({ file }) => file)).toEqual(['engine.worker.js', 'keeper.worker.js'])
  const ofThePage = scripts.filter((script) => !whole.some(({ path }) => path === script.path))
  expect(await loadedOnDemand(ofThePage)).toEqual([])
  return { requests }
}

/** The same of an app that asks for WebGPU: the engine for it came besides, in the build that this browser takes. */
export async function expectGpuPrediction(browser: Browser, url: string, workshop: Workshop): Promise<Visit> {
  const requests = await visit(browser, url, workshop)
  expect(requests.filter((asked) => /jsep|asyncify/.test(asked))).toEqual([])
  expect(requests.filter((asked) => asked.endsWith('.wasm'))).toHaveLength(2)
  const whole = await recognised(await scriptsOf(requests))
  expect(whole.map(({ file }) => file)).toEqual([
    'engine-calls.js',
    'engine.jspi.worker.js',
    'engine.worker.js',
    'keeper.worker.js',
  ])
  return { requests }
}

async function visit(browser: Browser, url: string, workshop: Workshop): Promise<readonly string[]> {
  const page = await browser.open()
  const complaints: string[] = []
  const requests: string[] = []
  page.onConsole(({ level, text }) => {
    if (['error', 'warn', 'uncaught'].includes(level)) complaints.push(`${level}: ${text}`)
  })
  page.onRequest((request) => requests.push(request.url))
  await page.goto(url)
  try {
    const read = async (): Promise<string | undefined> =>
      complaints.length > 0
        ? 'complained'
        : await page.evaluate(() => document.querySelector<HTMLElement>('[data-answer]')?.dataset['answer'])
    await expect.poll(read, { timeout: 20_000, interval: 50 }).toBeDefined()
    expect(complaints).toEqual([])
    const answer = JSON.parse((await read()) ?? '') as Record<string, number>
    for (const [output, value] of Object.entries(workshop.answer))
      expect(answer[output]).toBeCloseTo(value, 4)
  } finally {
    await page.close()
  }
  return requests
}

const DIST = join(import.meta.dirname, '..', '..', '..', 'packages', 'sdk', 'dist')

interface Script {
  readonly path: string
  readonly words: ReadonlySet<string>
}

async function scriptsOf(requests: readonly string[]): Promise<readonly Script[]> {
  const urls = [...new Set(requests)].filter((asked) => /^http.*\.m?js([?#]|$)/.test(asked))
  return Promise.all(
    urls.map(async (url) => ({
      path: new URL(url).pathname,
      words: wordsOf(await (await fetch(url)).text()),
    })),
  )
}

/** Files that bundlers copy as they are, some of which minify them again. */
const WHOLE = /^([\w.]+\.worker|telemetry|engine-calls|inputs\/\w+)\.js$/

/** Which of the package's whole files were asked for: bundlers name them anew. */
async function recognised(
  scripts: readonly Script[],
): Promise<readonly { readonly path: string; readonly file: string }[]> {
  const files = (await readdir(DIST, { recursive: true })).map((file) => file.replaceAll('\\', '/'))
  const originals = await Promise.all(
    files
      .filter((file) => WHOLE.test(file))
      .map(async (file) => ({ file, words: wordsOf(await readFile(join(DIST, file), 'utf8')) })),
  )
  const found = scripts.flatMap(({ path, words }) => {
    const named = originals.find(({ file }) => path.endsWith(`/afield/dist/${file}`))
    if (named) return { path, file: named.file }
    const [best] = originals
      .map(({ file, words: own }) => ({ file, share: alike(own, words) }))
      .sort((a, b) => b.share - a.share)
    return best && best.share > SURELY ? { path, file: best.file } : []
  })
  return found.sort((a, b) => (a.file < b.file ? -1 : 1))
}

/** What every page loads, if apart from its first script. */
const WITH_EVERY_PAGE = /router\/(observer|recording|route)\.js$/

/** Which modules of the page that are loaded when they are asked for are there all the same. */
async function loadedOnDemand(scripts: readonly Script[]): Promise<readonly string[]> {
  const modules = new Map<string, string>()
  for (const folder of ['router', 'words', '.']) {
    for (const file of await readdir(join(DIST, folder), { recursive: folder !== '.' })) {
      const path = join(folder, file)
      if (!/(\.worker|standalone|telemetry|engine-calls)\.js$/.test(path) && path.endsWith('.js'))
        modules.set(path, withoutComments(await readFile(join(DIST, path), 'utf8')))
    }
  }
  const onDemand = [...modules].flatMap(([path, text]) =>
    [...text.matchAll(/import\('(\.[^']+)'\)/g)].map(([, target = '']) => join(dirname(path), target)),
  )
  expect(onDemand).toContain(join('router', 'benchmark.js'))
  // The one-file build holds them all, and the .mjs is onnxruntime's.
  const seen = scripts.filter(({ path }) => !/\/standalone\.js$|\.mjs$/.test(path))
  const asFiles = seen.some(({ path }) => path.includes('/afield/dist/router/'))
  return [...new Set(onDemand)].filter((path) => {
    if (WITH_EVERY_PAGE.test(path)) return false
    // Served as they are, as by a dev server, they go by their names.
    if (asFiles) return seen.some((script) => script.path.endsWith(`/afield/dist/${path}`))
    const others = new Set(
      [...modules].flatMap(([other, text]) => (other === path ? [] : [...wordsOf(text)])),
    )
    const own = [...wordsOf(modules.get(path) ?? '')].filter((word) => !others.has(word))
    // Names of variables do not outlive a bundler; texts and names of properties do.
    return seen.some(
      ({ words }) => own.filter((word) => words.has(word)).length > Math.max(1, own.length / 5),
    )
  })
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, '')
}

/** Nearly all names of properties and all texts outlive a bundler; two different files share few. */
const SURELY = 0.9

function wordsOf(text: string): ReadonlySet<string> {
  return new Set(text.match(/[A-Za-z_]{7,}/g))
}

/** The share of words that both have. */
function alike(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const shared = [...a].filter((word) => b.has(word)).length
  return shared / (a.size + b.size - shared)
}
