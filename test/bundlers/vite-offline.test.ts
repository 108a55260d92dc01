import { access, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afield } from 'afield/vite'
import { build, type InlineConfig, type PluginOption } from 'vite'
import { launchChromium } from '../browser/chromium.js'
import { startServer } from '../servers/static.js'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

let app: string

beforeEach(async () => {
  app = await mkdtemp(join(tmpdir(), 'afield-offline-'))
  await mkdir(join(app, 'public'))
  await writeFile(join(app, 'index.html'), '<!doctype html><script type="module" src="./main.js"></script>')
  await writeFile(join(app, 'main.js'), 'document.body.textContent = "the app"')
})

afterEach(() => rm(app, { recursive: true, force: true }))

function buildApp(config: InlineConfig = {}, plugins: PluginOption[] = []): Promise<unknown> {
  const own = afield({ types: false, offline: true })
  return build({ root: app, configFile: false, logLevel: 'silent', ...config, plugins: [own, ...plugins] })
}

const serviceWorker = (): Promise<string> => readFile(join(app, 'dist', 'sw.js'), 'utf8')

test('every file that a host hands out is kept, and none that it only reads', async () => {
  for (const file of ['_headers', '_redirects', 'CNAME', '.nojekyll', 'kept.txt'])
    await writeFile(join(app, 'public', file), 'x')
  await buildApp({ build: { manifest: true, sourcemap: true } })
  const text = await serviceWorker()
  const [, listed = ''] = /assets:(\[[^\]]+\])/.exec(text) ?? []
  const assets = JSON.parse(listed.replaceAll('`', '"')) as string[]
  expect(assets.map((asset) => asset.replace(/-[\w-]{8}\./, '-HASH.'))).toEqual([
    './',
    './assets/index-HASH.js',
    './index.html',
    './kept.txt',
  ])
})

test('a build that fails says why, and leaves no service worker', async () => {
  await writeFile(join(app, 'main.js'), 'import "./missing.js"')
  await expect(buildApp()).rejects.toThrow('missing.js')
  await expect(access(join(app, 'dist', 'sw.js'))).rejects.toThrow('ENOENT')
})

test('what is built for a server gets none', async () => {
  await buildApp({ build: { ssr: join(app, 'main.js') } })
  await expect(access(join(app, 'dist', 'sw.js'))).rejects.toThrow('ENOENT')
})

test('files on another origin cannot be kept, which is said at once', async () => {
  await expect(buildApp({ base: 'https://cdn.example/app/' })).rejects.toThrow('`offline` keeps files')
})

test('a service worker of the app’s own is built with the list', async () => {
  await writeFile(join(app, 'own.js'), 'self.kept = __OFFLINE__.assets')
  const plugin = afield({ types: false, offline: { worker: 'own.js' } })
  await build({ root: app, configFile: false, logLevel: 'silent', plugins: [plugin] })
  expect(await serviceWorker()).toMatch(/self\.kept=\{.*index\.html/)
})

describe('files for GPUs', () => {
  const GPU = [
    'engine.asyncify.worker.js',
    'engine.jspi.worker.js',
    'ort/ort-wasm-simd-threaded.asyncify.mjs',
    'ort/ort-wasm-simd-threaded.asyncify.wasm',
    'ort/ort-wasm-simd-threaded.jspi.mjs',
    'ort/ort-wasm-simd-threaded.jspi.wasm',
  ]
  const EVERYBODY = ['engine.worker.js', 'engine-calls.js', 'ort/ort-wasm-simd-threaded.wasm']

  /** An app that names Afield's files as Afield does. */
  beforeEach(async () => {
    const dist = join(app, 'node_modules', 'afield', 'dist')
    await mkdir(join(dist, 'ort'), { recursive: true })
    const files = [...GPU, ...EVERYBODY]
    for (const file of files) await writeFile(join(dist, file), `// ${file}`)
    const urls = files.map((file) => `new URL('./node_modules/afield/dist/${file}', import.meta.url).href`)
    await writeFile(join(app, 'main.js'), `document.body.textContent = [${urls.join(', ')}].join()`)
  })

  const listed = async (list: 'assets' | 'onDemand'): Promise<readonly string[]> => {
    const [, found = ''] = new RegExp(`${list}:(\\[[^\\]]*\\])`).exec(await serviceWorker()) ?? []
    return (JSON.parse(found.replaceAll('`', '"')) as string[])
      .map((asset) => asset.replace(/^.*\/(.*)-[\w-]{8}\./, '$1.'))
      .sort()
  }
  const bare = (files: readonly string[]): readonly string[] =>
    files.map((file) => file.replace('ort/', '')).sort()

  test('are kept from their first use on, and not downloaded by every visitor', async () => {
    await buildApp()
    expect(await listed('onDemand')).toEqual(bare(GPU))
    expect(await listed('assets')).toEqual(expect.arrayContaining([...bare(EVERYBODY)]))
    expect(await listed('assets')).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/jspi|asyncify/)]),
    )
  })

  test('whatever an app calls its assets', async () => {
    await buildApp({ build: { rolldownOptions: { output: { assetFileNames: 'a/[hash]x[extname]' } } } })
    const text = await serviceWorker()
    expect(/onDemand:\[([^\]]+)\]/.exec(text)?.[1]?.split(',')).toHaveLength(GPU.length)
  })

  test('are left out of a build that is for WASM alone', async () => {
    await writeFile(
      join(app, 'main.js'),
      `import { createAfield } from 'afield'; window.create = createAfield`,
    )
    const plugin = afield({ types: false, offline: true, backends: ['wasm'] })
    const alias = { afield: fileURLToPath(import.meta.resolve('afield')) }
    await build({ root: app, configFile: false, logLevel: 'silent', plugins: [plugin], resolve: { alias } })
    const files = await readdir(join(app, 'dist', 'assets'))
    expect(files.filter((file) => /jspi|asyncify/.test(file))).toEqual([])
    expect(
      files
        .filter((file) => file.startsWith('ort-'))
        .map(extname)
        .sort(),
    ).toEqual(['.mjs', '.wasm'])
    expect(await listed('onDemand')).toEqual([])
  })

  test('once used, are there without a network; a page in their place is not kept', async () => {
    const main = (await readFile(join(app, 'main.js'), 'utf8')).replace(
      'document.body.textContent',
      'window.files',
    )
    const controlled = "new Promise((go) => navigator.serviceWorker.addEventListener('controllerchange', go))"
    const register = `window.controlled = ${controlled}; navigator.serviceWorker.register('./sw.js')`
    await writeFile(join(app, 'main.js'), `${main}; ${register}`)
    await buildApp()
    const server = await startServer({ mounts: { '/': join(app, 'dist') } })
    const browser = await launchChromium()
    try {
      const page = await browser.open(`${server.url}/`)
      const urls = await page.evaluate<string[]>('window.controlled.then(() => window.files.split(","))')
      expect(server.requests.filter(({ path }) => /jspi|asyncify/.test(path))).toEqual([])

      const [jspi = '', asyncify = ''] = urls
        .filter((url) => url.endsWith('.wasm') && /jspi|asyncify/.test(url))
        .sort()
        .reverse()
      const text = (url: string): Promise<string> =>
        page.evaluate((asked: string) => fetch(asked).then((response) => response.text()), url)
      server.fault('/assets/*asyncify*', { kind: 'html', times: 1 })
      expect(await text(jspi)).toContain('jspi')
      expect(await text(asyncify)).toContain('<')
      expect(await text(asyncify)).toContain('asyncify')
      await page.reload()
      await browser.setOffline(true)
      await server.stop()
      expect(await text(jspi)).toContain('jspi')
      expect(await text(asyncify)).toContain('asyncify')
    } finally {
      await browser.close()
      await server.close()
    }
  })
})
