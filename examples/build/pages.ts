import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afield } from 'afield/vite'
import { build } from 'vite'
import type { TourConfig } from '../team/api.js'
import { include } from './include.js'

const EXAMPLES = fileURLToPath(new URL('..', import.meta.url))

/** Folders of `examples/` that hold a page, each served under its own path. */
const PAGES = ['tour', 'learner-risk', 'content-check', 'digit-reader'] as const

/**
 * Builds the pages as an app would be built. Each stays below its own path, workers and onnxruntime's files
 * included: a worker is answered by the service worker whose scope covers the worker's script.
 *
 * @param site the folder to write to; a page lands in a folder of its name
 */
export async function buildPages(site: string, config: TourConfig): Promise<void> {
  await Promise.all(PAGES.map((page) => buildPage(page, join(site, page), config)))
}

async function buildPage(page: (typeof PAGES)[number], outDir: string, config: TourConfig): Promise<void> {
  const root = join(EXAMPLES, page)
  const ownWorker = join(root, 'sw.ts')
  await build({
    root,
    base: `/${page}/`,
    configFile: false,
    logLevel: 'warn',
    define: { __TOUR_CONFIG__: JSON.stringify(config) },
    build: {
      outDir,
      emptyOutDir: true,
      target: 'es2022',
      modulePreload: false,
      // onnxruntime's .wasm is 14 MB on its own.
      chunkSizeWarningLimit: 20_000,
      // Four builds at once are slow for no reason of their own.
      rolldownOptions: { checks: { pluginTimings: false } },
    },
    plugins: [
      include(),
      afield({ types: false, offline: existsSync(ownWorker) ? { worker: ownWorker } : true }),
    ],
  })
}
