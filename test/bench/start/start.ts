import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { initRepository, publish } from '@afield/cli'
import { buildApp } from '../../support/app/build.js'
import type { Browser } from '../../browser/browser.js'
import { launchChromium } from '../../browser/chromium.js'
import { startServer } from '../../servers/static.js'
import { figure, type Figure } from '../figure.js'
import { peers } from '../peers/install.js'

const here = import.meta.dirname
const models = join(here, '..', '..', 'models')
const PAGES = ['afield', 'bare', 'transformers'] as const
type PageName = (typeof PAGES)[number]

/** Visits that fill caches, and the browser's compiled code with them, before anything counts. */
const WARM_UPS = 3
const ROUNDS = 15
const PREDICTIONS = 1000

/**
 * The first prediction of a second visit, everything cached, network cut: from the start of the navigation to the
 * answer. Each page is an app of its own with its own service worker; rounds alternate the order of the pages.
 */
export async function benchStart(): Promise<readonly Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'afield-bench-'))
  const repo = join(folder, 'repo')
  await initRepository({ repo })
  await publish({ model: join(models, 'digits-mlp.onnx'), version: '1.0.0', repo })
  await buildPages(folder, await readFile(join(repo, 'metadata', '1.root.json'), 'utf8'))
  const mounts = Object.fromEntries(PAGES.map((page) => [`/${page}`, join(folder, page)]))
  const server = await startServer({ mounts: { ...mounts, '/repo': repo } })
  const browser = await launchChromium()
  try {
    for (const page of PAGES) await install(browser, `${server.url}/${page}/`)
    server.clearRequests()
    const online = await visit(browser, `${server.url}/afield/`, PREDICTIONS)
    const requests = server.requests.filter(
      ({ path, at }) => !path.endsWith('/sw.js') && at < online.answeredAt,
    )
    await server.stop()

    const times: Record<PageName, number[]> = { afield: [], bare: [], transformers: [] }
    const longTasks = [...online.longTasks]
    for (let round = 0; round < ROUNDS; round++) {
      for (const page of round % 2 === 0 ? PAGES : [...PAGES].reverse()) {
        const seen = await visit(browser, `${server.url}/${page}/`, page === 'afield' ? PREDICTIONS : 0)
        times[page].push(seen.firstMs)
        if (page === 'afield') longTasks.push(...seen.longTasks)
      }
    }
    const ratio = (peer: PageName): readonly number[] =>
      times.afield.map((ms, i) => ms / (times[peer][i] ?? Number.NaN))
    return [
      figure('start/first-prediction/afield', 'ms', times.afield),
      figure('start/first-prediction/bare-worker', 'ms', times.bare),
      figure('start/first-prediction/transformers.js', 'ms', times.transformers),
      figure('start/ratio-to-bare-worker', '×', ratio('bare'), { most: 1.1 }),
      figure('start/ratio-to-transformers.js', '×', ratio('transformers'), { most: 0.5 }),
      figure('start/requests-before-first-prediction', '', [requests.length], { most: 0 }),
      figure('start/page-tasks-over-50-ms', '', [longTasks.length], { most: 0 }),
    ]
  } finally {
    await browser.close()
    await server.close()
    await rm(folder, { recursive: true, force: true })
  }
}

async function buildPages(folder: string, root: string): Promise<void> {
  const modules = peers()
  const model = join(models, 'digits-mlp.onnx')
  const build = (page: PageName, more: object): Promise<void> =>
    buildApp({ root: join(here, page), outDir: join(folder, page), base: `/${page}/`, ...more })
  await build('afield', { define: { __ROOT__: JSON.stringify(root) } })
  await build('bare', { files: { 'model.onnx': model } })
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
      'models/digits-mlp/onnx/model.onnx': model,
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
