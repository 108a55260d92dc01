import { mkdtemp, readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Browser } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { afield } from '../support/cli.js'
import { startServer } from '../servers/static.js'
import { OWN_LINES, countOwnLines } from './support/own-lines.js'
import { npm } from './support/packages.js'
import { spawnServer, type Spawned } from './support/spawned.js'
import { VERSIONS } from './support/versions.js'
import { GPU_APP } from './support/gpu-app.js'
import { expectGpuPrediction, expectPrediction } from './support/visit.js'
import { openWorkshop, publishExample, type Workshop } from './support/workshop.js'

let workshop: Workshop
let browser: Browser
let app: string
/** As `afield init` wrote it. */
let appModule: string
const running: Spawned[] = []

beforeAll(async () => {
  workshop = await openWorkshop()
  browser = await launchChromium()
  const folder = await mkdtemp(join(workshop.folder, 'vite-'))
  const template = ['app', '--template', 'vanilla-ts', '--no-interactive']
  await npm(['exec', '--yes', '--', `create-vite@${VERSIONS['create-vite']}`, ...template], folder)
  app = join(folder, 'app')
  await workshop.install(app, ['vite', 'typescript'])
  await publishExample(join(app, 'models-repo'), app)
  appModule = await readFile(join(app, 'src', 'afield.ts'), 'utf8')
  await useRepository(OWN_LINES['src/afield.ts'])
  for (const path of ['vite.config.ts', 'src/main.ts'] as const)
    await writeFile(join(app, path), OWN_LINES[path])
}, 180_000)

afterEach(async () => {
  for (const server of running.splice(0)) await server.stop()
})

afterAll(async () => {
  await browser?.close()
  await workshop?.close()
})

test('ten lines of their own at most, from `npm create vite` to a prediction', () => {
  expect(countOwnLines()).toBeLessThanOrEqual(10)
})

test('vite dev serves the repository as a host would, writes its types, and the app predicts', async () => {
  const url = await start('dev')
  const types = join(app, 'src', 'afield-models.d.ts')
  expect(await readFile(types, 'utf8')).toContain('learner-risk')

  const timestamp = await fetch(`${url}models/metadata/timestamp.json`)
  expect(timestamp.status).toBe(200)
  expect(timestamp.headers.get('cache-control')).toBe('no-cache')
  expect(timestamp.headers.get('content-type')).toBe('application/json')
  const root = await fetch(`${url}models/metadata/1.root.json`)
  expect(root.headers.get('cache-control')).toContain('immutable')
  expect((await fetch(`${url}models/metadata/2.root.json`)).status).toBe(404)
  expect((await fetch(`${url}models/..%2fpackage.json`)).status).toBe(404)

  await expectPrediction(browser, url, workshop)

  const digits = join(import.meta.dirname, '..', 'models', 'digits-mlp.onnx')
  await afield('publish', digits, '--version', '1.0.0', '--repo', join(app, 'models-repo'))
  await expect.poll(() => readFile(types, 'utf8'), { timeout: 10_000 }).toContain('digits-mlp')
}, 60_000)

test('`npm run build` type-checks and builds it; nothing is copied twice, and preview predicts', async () => {
  await npm(['run', 'build'], app)
  const files = await readdir(join(app, 'dist'), { recursive: true })
  const whole = [/keeper.*\.js$/, /remote\.worker.*\.js$/, /engine-calls.*\.js$/, /telemetry.*\.js$/]
  const builds = ['', '\\.jspi', '\\.asyncify'].flatMap((build) =>
    [
      `engine${build}\\.worker-[\\w-]+\\.js$`,
      `threaded${build}-[\\w-]+\\.wasm$`,
      `threaded${build}-[\\w-]+\\.mjs$`,
    ].map((name) => new RegExp(name)),
  )
  const copies = [...whole, ...builds].map((file) => [
    file.source,
    files.filter((name) => file.test(name)).length,
  ])
  expect(copies.filter(([, count]) => count !== 1)).toEqual([])
  const { requests } = await expectPrediction(browser, await start('preview'), workshop)
  expect(requests.filter((asked) => asked.startsWith('blob:') || asked.startsWith('data:text'))).toEqual([])
}, 60_000)

test('an app that asks for WebGPU gets it from its build', async () => {
  const main = join(app, 'src', 'main.ts')
  const own = await readFile(main, 'utf8')
  const repository = await startServer({ mounts: { '/models': join(app, 'models-repo') } })
  const withGpu = await launchChromium({ softwareGpu: true })
  const deployment = {
    ...workshop.deployment,
    repository: `${repository.url}/models/`,
    root: await rootOf('models-repo'),
  }
  try {
    await writeFile(join(app, 'src', 'deployment.json'), JSON.stringify(deployment))
    await writeFile(main, `// @ts-nocheck\n${GPU_APP}`)
    await npm(['exec', '--', 'vite', 'build'], app)
    const { requests } = await expectGpuPrediction(withGpu, await start('preview'), workshop)
    expect(requests.some((asked) => /threaded\.jspi-[\w-]+\.wasm$/.test(asked))).toBe(true)
  } finally {
    await writeFile(main, own)
    await withGpu.close()
    await repository.close()
  }
}, 60_000)

test('a build from below a path of its own, on another host than its repository, predicts', async () => {
  const { repository, root } = workshop.deployment
  await useRepository(`const repository = '${repository}'`, root)
  await npm(['exec', '--', 'vite', 'build', '--base', '/below/'], app)
  const server = await startServer({ mounts: { '/below': join(app, 'dist') } })
  try {
    const { requests } = await expectPrediction(browser, `${server.url}/below/`, workshop)
    expect(requests.some((asked) => asked.startsWith(repository))).toBe(true)
  } finally {
    await server.close()
    await useRepository(OWN_LINES['src/afield.ts'], await rootOf('models-repo'))
  }
}, 60_000)

test('a build whose files come from a CDN predicts', async () => {
  const dist = join(app, 'dist')
  const cdn = await startServer({ mounts: { '/': dist } })
  const site = await startServer({ mounts: { '/': dist, '/models': join(app, 'models-repo') } })
  try {
    await npm(['exec', '--', 'vite', 'build', '--base', `${cdn.url}/`], app)
    const { requests } = await expectPrediction(browser, `${site.url}/`, workshop)
    expect(requests.some((asked) => asked.startsWith(cdn.url) && asked.endsWith('.wasm'))).toBe(true)
  } finally {
    await Promise.all([cdn.close(), site.close()])
  }
}, 60_000)

test('without the plugin, too, once Vite is told to leave afield where it is', async () => {
  const config = `export default { optimizeDeps: { exclude: ['afield'] }, publicDir: 'models-public' }`
  await writeFile(join(app, 'vite.config.ts'), config)
  await publishExample(join(app, 'models-public', 'models'))
  await useRepository(OWN_LINES['src/afield.ts'], await rootOf('models-public/models'))
  await expectPrediction(browser, await start('dev'), workshop)
}, 60_000)

async function start(command: 'dev' | 'preview'): Promise<string> {
  const vite = join(app, 'node_modules', 'vite', 'bin', 'vite.js')
  const server = await spawnServer(vite, [command, '--host', '127.0.0.1', '--port', '0'], app)
  running.push(server)
  return server.url
}

/** Puts a line in place of the one in the app's module that says where the repository is, and what the app trusts. */
async function useRepository(line: string, root?: object): Promise<void> {
  const text = appModule.replace(/^const repository = .*$/m, line.trim())
  expect(text).toContain(line.trim())
  await writeFile(join(app, 'src', 'afield.ts'), text)
  if (root) await writeFile(join(app, 'src', '1.root.json'), JSON.stringify(root))
}

async function rootOf(repository: string): Promise<object> {
  const text = await readFile(join(app, repository, 'metadata', '1.root.json'), 'utf8')
  return JSON.parse(text) as object
}
