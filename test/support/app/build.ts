import { createHash } from 'node:crypto'
import { cp, mkdir, readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { build, type Alias } from 'vite'

export interface AppBuild {
  /** Folder with an `index.html`. */
  readonly root: string
  readonly outDir: string
  /** Path it is served under, such as `/app/`. */
  readonly base: string
  readonly alias?: readonly Alias[]
  readonly define?: Readonly<Record<string, string>>
  /** More files for the app's folder: path there → file. */
  readonly files?: Readonly<Record<string, string>>
}

/**
 * Builds a page as an app would be built: Vite, hashed assets, and a service worker at `sw.js` that holds them all.
 */
export async function buildApp({ root, outDir, base, alias, define, files = {} }: AppBuild): Promise<void> {
  const common = { base, logLevel: 'error', configFile: false } as const
  await build({
    ...common,
    root,
    define: { ...define },
    resolve: { alias: [...(alias ?? [])] },
    build: { outDir, emptyOutDir: true, target: 'es2022', modulePreload: false },
    worker: { format: 'es' },
  })
  for (const [path, file] of Object.entries(files)) {
    await mkdir(dirname(join(outDir, path)), { recursive: true })
    await cp(file, join(outDir, path))
  }
  await buildServiceWorker(outDir, common)
}

async function buildServiceWorker(outDir: string, common: object): Promise<void> {
  const entries = await readdir(outDir, { recursive: true, withFileTypes: true })
  const assets = entries
    .filter((entry) => entry.isFile())
    .map((file) => relative(outDir, join(file.parentPath, file.name)))
    .sort()
  const hash = createHash('sha256')
  for (const asset of assets) hash.update(await readFile(join(outDir, asset)))
  const version = hash.digest('hex').slice(0, 16)
  await build({
    ...common,
    root: import.meta.dirname,
    define: { __OFFLINE__: JSON.stringify({ version, assets: ['./', ...assets] }) },
    build: {
      outDir,
      emptyOutDir: false,
      target: 'es2022',
      lib: {
        entry: join(import.meta.dirname, 'sw.ts'),
        formats: ['iife'],
        name: 'sw',
        fileName: () => 'sw.js',
      },
    },
  })
}
