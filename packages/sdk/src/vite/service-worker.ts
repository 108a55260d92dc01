import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** As `afield/service-worker` takes it. */
interface Assets {
  readonly version: string
  readonly assets: readonly string[]
  readonly onDemand: readonly string[]
}

const FILE = 'sw.js'
/** What hosts read and do not hand out: one file that is not there would keep the service worker from installing. */
const NOT_SERVED = /(^|\/)\.|^_(headers|redirects|routes\.json|worker\.js)$|^CNAME$/

/**
 * Builds the service worker into the folder whose files it keeps.
 *
 * @param onDemand those of them that it keeps once somebody asked for them.
 */
export async function writeServiceWorker(
  outDir: string,
  entry: string | undefined,
  onDemand: ReadonlySet<string>,
): Promise<void> {
  const { build } = await import('vite')
  const offline = await listAssets(outDir, onDemand)
  await build({
    configFile: false,
    logLevel: 'warn',
    publicDir: false,
    define: { __OFFLINE__: JSON.stringify(offline) },
    build: {
      outDir,
      emptyOutDir: false,
      // One classic script: Firefox has no service workers made of modules.
      target: 'es2022',
      lib: {
        entry: entry ?? fileURLToPath(new URL('../service-worker/default.js', import.meta.url)),
        formats: ['iife'],
        name: 'sw',
        fileName: () => FILE,
      },
    },
  })
}

async function listAssets(folder: string, onDemand: ReadonlySet<string>): Promise<Assets> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((file) => file !== FILE && !file.endsWith('.map') && !NOT_SERVED.test(file))
    .sort()
  const hash = createHash('sha256')
  for (const file of files) hash.update(`${file}\0`).update(await readFile(join(folder, file)))
  const urls = (wanted: boolean): readonly string[] =>
    files.filter((file) => onDemand.has(file) === wanted).map((file) => `./${file}`)
  return {
    version: hash.digest('hex').slice(0, 16),
    // The page is asked for as a folder, which is a URL of its own.
    assets: ['./', ...urls(false)],
    onDemand: urls(true),
  }
}
