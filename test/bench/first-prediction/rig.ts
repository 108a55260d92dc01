import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { initRepository, publish } from '@afield/cli'
import type { Browser } from '../../browser/browser.js'
import { launchChromium } from '../../browser/chromium.js'
import { startServer } from '../../servers/static.js'
import { buildApp } from '../../support/app/build.js'
import { peers as installPeers } from '../peers/install.js'

const here = import.meta.dirname

export type PageName = 'afield' | 'bare' | 'transformers'

/** A model that takes `pixels` and gives `probabilities`; its config and golden vectors lie beside it. */
export interface BenchModel {
  readonly name: string
  /** The ONNX file. */
  readonly file: string
}

export interface FirstPredictionOptions {
  readonly model: BenchModel
  readonly pages: readonly PageName[]
  readonly rounds: number
  /** Predictions that follow the first on Afield's page, watched for long tasks. */
  readonly predictions: number
}

export interface FirstPredictions {
  /** Milliseconds from the start of the navigation to the answer, one a round and page. */
  readonly times: Readonly<Record<PageName, readonly number[]>>
  /** Requests before the first answer of a second visit, with the network there. */
  readonly requests: number
  /** Durations of page tasks over 50 ms on Afield's page, all visits, in ms. */
  readonly longTasks: readonly number[]
}

/** Visits that fill caches, and the browser's compiled code with them, before anything counts. */
const WARM_UPS = 3

/**
 * The first prediction of a second visit, everything cached, network cut: from the start of the navigation to the
 * answer. Each page is an app of its own with its own service worker; rounds alternate the order of the pages.
 */
export async function measureFirstPredictions({
  model,
  pages,
  rounds,
  predictions,
}: FirstPredictionOptions): Promise<FirstPredictions> {
  const folder = await mkdtemp(join(tmpdir(), 'afield-bench-'))
  const repo = join(folder, 'repo')
  await initRepository({ repo })
  await publish({ model: model.file, version: '1.0.0', repo })
  await buildPages(folder, model, pages, await readFile(join(repo, 'metadata', '1.root.json'), 'utf8'))
  const mounts = Object.fromEntries(pages.map((page) => [`/${page}`, join(folder, page)]))
  const server = await startServer({ mounts: { ...mounts, '/repo': repo } })
  const browser = await launchChromium()
  try {
    for (const page of pages) await install(browser, `${server.url}/${page}/`)
    server.clearRequests()
    const online = await visit(browser, `${server.url}/afield/`, predictions)
    const requests = server.requests.filter(
      ({ path, at }) => !path.endsWith('/sw.js') && at < online.answeredAt,
    )
    await server.stop()

    const times: Record<PageName, number[]> = { afield: [], bare: [], transformers: [] }
    const longTasks = [...online.longTasks]
    for (let round = 0; round < rounds; round++) {
      for (const page of round % 2 === 0 ? pages : [...pages].reverse()) {
        const seen = await visit(browser, `${server.url}/${page}/`, page === 'afield' ? predictions : 0)
        times[page].push(seen.firstMs)
        if (page === 'afield') longTasks.push(...seen.longTasks)
      }
    }
    return { times, requests: requests.length, longTasks }
  } finally {
    await browser.close()
    await server.close()
    await rm(folder, { recursive: true, force: true })
  }
}

async function buildPages(
  folder: string,
  model: BenchModel,
  pages: readonly PageName[],
  root: string,
): Promise<void> {
  const vectors = JSON.parse(
    await readFile(model.file.replace(/\.onnx$/, '.golden.json'), 'utf8'),
  ) as unknown[]
  const define = {
    __ROOT__: JSON.stringify(root),
    __MODEL__: JSON.stringify(model.name),
    __GOLDEN__: JSON.stringify(vectors[0]),
  }
  const build = (page: PageName, more: object): Promise<void> =>
    buildApp({ root: join(here, page), outDir: join(folder, page), base: `/${page}/`, define, ...more })
  await build('afield', {})
  await build('bare', { files: { 'model.onnx': model.file } })
  if (!pages.includes('transformers')) return
  const modules = installPeers()
  await build('transformers', {
    alias: [
      {
        find: '@huggingface/transformers',
        replacement: join(modules, '@huggingface', 'transformers', 'dist', 'transformers.web.js'),
      },
      { find: 'peer-onnxruntime', replacement: join(modules, 'onnxruntime-web', 'dist') },
    ],
    files: {
      'models/digits-mlp/config.json': join(here, 'transformers', 'models', 'digits-mlp', 'config.json'),
      'models/digits-mlp/onnx/model.onnx': model.file,
    },
  })
}

/** First visit: installs the service worker; then the visits that warm every cache. */
async function install(browser: Browser, url: string): Promise<void> {
  const page = await browser.open(url)
  await page.evaluate(async () => {
    await navigator.serviceWorker.register('./sw.js')
    await navigator.serviceWorker.ready
    await globalThis.measured
  })
  await page.close()
  for (let i = 0; i < WARM_UPS; i++) await visit(browser, url, 0)
}

interface Visit {
  readonly firstMs: number
  /** Milliseconds since 1970. */
  readonly answeredAt: number
  readonly longTasks: readonly number[]
}

async function visit(browser: Browser, url: string, predictions: number): Promise<Visit> {
  const page = await browser.open(url)
  try {
    return await page.evaluate(async (count) => {
      const { firstMs } = await globalThis.measured
      const answeredAt = performance.timeOrigin + firstMs
      if (count > 0)
        await (globalThis as unknown as { predictMany: (n: number) => Promise<void> }).predictMany(count)
      return { firstMs, answeredAt, longTasks: globalThis.longTasks() }
    }, predictions)
  } finally {
    await page.close()
  }
}
