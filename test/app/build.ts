import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'vite'

const root = import.meta.dirname

/**
 * Builds the test page as an app would be built: Vite, hashed assets, and a service worker that knows them all.
 * Served under `/app/`.
 */
export async function buildTestApp(outDir: string): Promise<void> {
  const common = { root, base: '/app/', logLevel: 'warn', configFile: false } as const
  await build({ ...common, build: { outDir, emptyOutDir: true, target: 'es2022', modulePreload: false } })
  const files = (await readdir(outDir, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
  const assets = files.map((file) => join(file.parentPath, file.name).slice(outDir.length + 1)).sort()
  const hash = createHash('sha256')
  for (const asset of assets) hash.update(await readFile(join(outDir, asset)))
  const version = hash.digest('hex').slice(0, 16)
  await build({
    ...common,
    define: { __OFFLINE__: JSON.stringify({ version, assets: ['./', ...assets] }) },
    build: {
      outDir,
      emptyOutDir: false,
      target: 'es2022',
      lib: { entry: join(root, 'sw.ts'), formats: ['iife'], name: 'sw', fileName: () => 'sw.js' },
    },
  })
}
