import { mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { publish, initRepository, types } from '@afield/cli'
import { afield, type AfieldPluginOptions } from 'afield/vite'
import { createLogger, createServer, preview, type InlineConfig } from 'vite'
import { afterEach, beforeAll, afterAll, beforeEach, describe, expect, test } from 'vitest'
import { learnerRisk } from '../support/learner-risk.js'

let made: string
let app: string
const closing: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  made = await mkdtemp(join(tmpdir(), 'afield-made-'))
  await makeRepository(join(made, 'models-repo'))
}, 30_000)

afterAll(() => rm(made, { recursive: true, force: true }))

beforeEach(async () => {
  app = await mkdtemp(join(tmpdir(), 'afield-vite-'))
  await writeFile(join(app, 'index.html'), '<!doctype html><p>the app</p>')
})

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
  await rm(app, { recursive: true, force: true })
})

async function makeRepository(repo: string): Promise<void> {
  await initRepository({ repo })
  await publish({ repo, model: learnerRisk('1.0.0'), version: '1.0.0' })
}

function configOf(plugins: readonly AfieldPluginOptions[], warnings: string[] = []): InlineConfig {
  const logger = createLogger('warn')
  logger.warn = (message) => void warnings.push(message)
  return {
    root: app,
    configFile: false,
    customLogger: logger,
    plugins: plugins.map((given) => afield(given)),
  }
}

/** Vite's development server inside another one, as frameworks have it. */
async function develop(config: InlineConfig): Promise<string> {
  const vite = await createServer({ ...config, server: { middlewareMode: true, ws: false } })
  closing.push(() => vite.close())
  const server = createHttpServer(vite.middlewares)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => new Promise((resolve) => server.close(resolve)))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Asks for a path as it stands, which `fetch` would tidy first. */
function ask(url: string, path: string, method = 'GET'): Promise<{ status: number; body: string }> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const request = httpRequest({ hostname, port, path, method, agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (part: string) => (body += part))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
    })
    request.on('error', reject).end()
  })
}

describe('a local repository', () => {
  const repository = (): string => join(made, 'models-repo')

  test.each(['/', '/app/'])(
    'is served below /models/ where base is %s, cached as a host would',
    async (base) => {
      const url = await develop({ ...configOf([{ repository: repository(), types: false }]), base })
      const timestamp = await fetch(`${url}/models/metadata/timestamp.json?now`)
      expect(timestamp.status).toBe(200)
      expect(timestamp.headers.get('cache-control')).toBe('no-cache')
      expect(await timestamp.text()).toBe(
        await readFile(join(repository(), 'metadata/timestamp.json'), 'utf8'),
      )
      const root = await fetch(`${url}/models/metadata/1.root.json`, { method: 'HEAD' })
      expect(root.headers.get('cache-control')).toContain('immutable')
      expect(Number(root.headers.get('content-length'))).toBeGreaterThan(100)
      expect(await ask(url, '/models/metadata/2.root.json')).toMatchObject({
        status: 404,
        body: 'Not found\n',
      })
      expect(await ask(url, '/models/metadata/1.root.json', 'POST')).toMatchObject({ status: 405 })
    },
  )

  test('is read by pages of this machine, and by no site that happens to be open', async () => {
    const url = await develop(configOf([{ repository: repository(), types: false }]))
    const allowed = async (origin: string): Promise<string | null> => {
      const response = await fetch(`${url}/models/metadata/1.root.json`, { headers: { origin } })
      return response.headers.get('access-control-allow-origin')
    }
    expect(await allowed('http://localhost:3000')).toBe('http://localhost:3000')
    expect(await allowed('https://elsewhere.example')).toBeNull()
  })

  test('is all that its path gives away', async () => {
    const repo = join(app, 'repo')
    await makeRepository(repo)
    await writeFile(join(app, '.env'), 'SECRET=1')
    await writeFile(join(repo, 'notes.json'), 'SECRET=1')
    await symlink(app, join(repo, 'chunks', 'elsewhere'))
    await symlink(join(app, '.env'), join(repo, 'metadata', '9.root.json'))
    const url = await develop(configOf([{ repository: 'repo', types: false }]))
    for (const path of [
      '/models/../.env',
      '/models/..%2f.env',
      '/models/%2e%2e/.env',
      '/models/metadata/..%2f..%2f.env',
      '/models/metadata/../../.env',
      '/models/metadata\\..\\..\\.env',
      '/models/chunks/elsewhere/.env',
      '/models/chunks/elsewhere/index.html',
      '/models/metadata/9.root.json',
      '/models/notes.json',
      '/models/metadata',
      '/models/metadata/',
      '/models/',
      `/models/chunks/${'a'.repeat(5000)}`,
      '/models/metadata/%00',
    ]) {
      const { status, body } = await ask(url, path)
      expect.soft([path, status, body.includes('SECRET')]).toEqual([path, 404, false])
    }
    expect((await ask(url, '/models/metadata/1.root.json')).status).toBe(200)
  })

  test('has keys beside it that Vite gives to nobody', async () => {
    await makeRepository(join(app, 'models-repo'))
    await writeFile(join(app, '.env'), 'SECRET=1')
    const [key = ''] = await readdir(join(app, 'models-repo.keys'))
    const url = await develop(configOf([{ repository: 'models-repo', types: false }]))
    for (const path of [
      `/models-repo.keys/${key}`,
      `/models-repo.keys/${key}?raw`,
      `/models-repo.keys/${key}?import`,
      `/models-repo%2ekeys/${key}`,
      `/MODELS-REPO.KEYS/${key}`,
      `/@fs${app}/models-repo.keys/${key}`,
      `/@fs${app}/models-repo.keys/${key}?url&raw`,
      '/.env',
    ]) {
      const { status, body } = await ask(url, path)
      const leaks = /private|SECRET|seed|"keyid"/i.test(body)
      expect.soft([path, leaks, status === 200 && !body.includes('the app')]).toEqual([path, false, false])
    }
    expect((await ask(url, '/models-repo/metadata/1.root.json?raw')).status).toBe(200)
  })

  test('is served in preview, too', async () => {
    await mkdir(join(app, 'dist'))
    await writeFile(join(app, 'dist', 'index.html'), 'built')
    const server = await preview({
      ...configOf([{ repository: repository(), path: 'live', types: false }]),
      preview: { port: 0, host: '127.0.0.1' },
    })
    closing.push(() => server.close())
    const { port } = server.httpServer.address() as AddressInfo
    const response = await fetch(`http://127.0.0.1:${port}/live/metadata/timestamp.json`)
    expect(response.headers.get('cache-control')).toBe('no-cache')
    expect(response.status).toBe(200)
  })
})

describe('without a repository', () => {
  test('one that is named is missed, and found as soon as it is made', async () => {
    const warnings: string[] = []
    const url = await develop(configOf([{ repository: 'models-repo' }], warnings))
    expect(warnings.join()).toContain('npx @afield/cli init models-repo')
    expect(await ask(url, '/models/metadata/timestamp.json')).toMatchObject({ status: 404 })
    await makeRepository(join(app, 'models-repo'))
    expect(await ask(url, '/models/metadata/timestamp.json')).toMatchObject({ status: 200 })
    const declared = join(app, 'src', 'afield-models.d.ts')
    await expect
      .poll(() => readFile(declared, 'utf8').catch(() => ''), { timeout: 8000 })
      .toContain('quiz_score')
  }, 20_000)

  test('one that nobody named is not missed, and what the app has in its place is served', async () => {
    const warnings: string[] = []
    await mkdir(join(app, 'public/models/metadata'), { recursive: true })
    await writeFile(join(app, 'public/models/metadata/timestamp.json'), '{"seed":true}')
    const url = await develop(configOf([{}], warnings))
    expect(await ask(url, '/models/metadata/timestamp.json')).toMatchObject({ body: '{"seed":true}' })
    expect(warnings.filter((warning) => warning.includes('afield:'))).toEqual([])
  })

  test('one that is half written costs the types a warning, and no more', async () => {
    const repo = join(app, 'models-repo')
    await makeRepository(repo)
    const timestamp = join(repo, 'metadata/timestamp.json')
    const whole = await readFile(timestamp, 'utf8')
    await writeFile(timestamp, whole.slice(0, 40))
    const warnings: string[] = []
    const url = await develop(configOf([{ repository: 'models-repo' }], warnings))
    expect(warnings.join()).toContain('timestamp.json')
    expect((await ask(url, '/')).body).toContain('the app')
    await writeFile(timestamp, whole)
    const declared = join(app, 'src', 'afield-models.d.ts')
    await expect
      .poll(() => readFile(declared, 'utf8').catch(() => ''), { timeout: 8000 })
      .toContain('quiz_score')
  }, 20_000)
})

describe('the declarations', () => {
  const repository = (): string => join(made, 'models-repo')

  test('are those of `afield types`, and are written only when they change', async () => {
    const declared = join(app, 'src', 'models.d.ts')
    await develop(configOf([{ repository: repository(), types: 'src/models.d.ts' }]))
    const { text } = await types({ repo: repository(), models: [] })
    expect(await readFile(declared, 'utf8')).toBe(text)
    const { mtimeMs } = await stat(declared)
    await develop(configOf([{ repository: repository(), types: 'src/models.d.ts' }]))
    expect((await stat(declared)).mtimeMs).toBe(mtimeMs)
    expect(await readdir(join(app, 'src'))).toEqual(['models.d.ts'])
  })

  test('take no place that somebody else has', async () => {
    const warnings: string[] = []
    await writeFile(join(app, 'models.d.ts'), 'export {}')
    await develop(configOf([{ repository: repository(), types: 'models.d.ts' }], warnings))
    expect(warnings.join()).toContain('left alone')
    expect(await readFile(join(app, 'models.d.ts'), 'utf8')).toBe('export {}')
  })
})

describe('two plugins', () => {
  const repository = (): string => join(made, 'models-repo')

  test('serve two repositories', async () => {
    const url = await develop(
      configOf([
        { repository: repository(), path: '/a/', types: 'a.d.ts' },
        { repository: repository(), path: '/b/', types: 'b.d.ts' },
      ]),
    )
    for (const path of ['/a/', '/b/'])
      expect(await ask(url, `${path}metadata/timestamp.json`)).toMatchObject({ status: 200 })
    expect(await readFile(join(app, 'b.d.ts'), 'utf8')).toContain('learner-risk')
  })

  test.each<[string, AfieldPluginOptions, AfieldPluginOptions]>([
    ['`path` /models/', { types: 'a.d.ts' }, { path: 'models', types: 'b.d.ts' }],
    ['`types` src/afield-models.d.ts', { path: '/a/' }, { path: '/b/' }],
    ['two plugins have `offline`', { offline: true }, { path: '/b/', types: false, offline: true }],
    ['`path` must name a folder', { types: false }, { path: '/', types: false }],
  ])('that clash are refused: %s', async (said, one, other) => {
    await expect(createServer(configOf([one, other]))).rejects.toThrow(said)
  })
})
