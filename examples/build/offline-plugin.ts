import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative, resolve, sep } from 'node:path'
import type { OfflineOptions } from 'afield/service-worker'
import { rolldown } from 'rolldown'
import type { Plugin } from 'vite'

/**
 * Writes `sw.js` beside the page: a service worker that knows every file the build wrote, so that the page starts
 * without a network after one visit.
 *
 * @param entry a script that calls `serveOffline(__OFFLINE__)`
 */
export function offlinePlugin(entry: string): Plugin {
  let outDir = ''
  return {
    name: 'offline',
    apply: 'build',
    configResolved(config) {
      outDir = resolve(config.root, config.build.outDir)
    },
    async closeBundle() {
      await writeServiceWorker(entry, outDir, await offlineOptions(outDir))
    },
  }
}

async function offlineOptions(folder: string): Promise<OfflineOptions> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort()
  const hash = createHash('sha256')
  for (const file of files) hash.update(`${file}\0`).update(await readFile(join(folder, file)))
  // The page is asked for as a folder, which is a URL of its own.
  return { version: hash.digest('hex').slice(0, 16), assets: ['./', ...files.map((file) => `./${file}`)] }
}

/** One classic script: Firefox has no service workers made of modules. */
async function writeServiceWorker(entry: string, outDir: string, options: OfflineOptions): Promise<void> {
  const bundle = await rolldown({
    input: entry,
    platform: 'browser',
    transform: { define: { __OFFLINE__: JSON.stringify(options) } },
  })
  await bundle.write({ file: join(outDir, 'sw.js'), format: 'iife', minify: true })
  await bundle.close()
}
