import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { findChromium } from '../../.ci/chromium.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const BUILD = `
  const { appendFileSync, mkdirSync } = require('node:fs')
  mkdirSync('packages/one/dist', { recursive: true })
  appendFileSync('builds', 'built ')
`
let clone: string

/** The smallest workspace that set-up can make ready: nothing to download, a build that leaves a trace. */
beforeEach(async () => {
  clone = await mkdtemp(join(tmpdir(), 'afield-clone-'))
  await cp(join(root, '.ci'), join(clone, '.ci'), { recursive: true })
  await mkdir(join(clone, 'packages/one/src'), { recursive: true })
  const manifest = {
    name: 'clone',
    version: '1.0.0',
    workspaces: ['packages/*'],
    scripts: { build: 'node build.cjs' },
  }
  const files = {
    'package.json': JSON.stringify(manifest),
    'build.cjs': BUILD,
    'tsconfig.json': '{}',
    'packages/one/package.json': '{ "name": "one", "version": "1.0.0" }',
    'packages/one/src/index.ts': 'export const one = 1',
  }
  for (const [path, text] of Object.entries(files)) await writeFile(join(clone, path), text)
  spawnSync('npm install --package-lock-only --offline', { cwd: clone, shell: true })
})

afterEach(() => rm(clone, { recursive: true }))

function setUp() {
  const { status, stderr } = spawnSync(process.execPath, ['.ci/setup.mjs'], { cwd: clone, encoding: 'utf8' })
  return { status, said: stderr.split('\n').filter((line) => /^(Installing|Building|")/.test(line)) }
}

const installs = 'Installing dependencies: npm ci'
const builds = 'Building: npm run --silent build'

describe('setup.mjs', () => {
  test('installs and builds a fresh clone, once', async () => {
    expect(setUp()).toEqual({ status: 0, said: [installs, builds] })
    expect(existsSync(join(clone, 'node_modules/one'))).toBe(true)
    expect(setUp()).toEqual({ status: 0, said: [] })
    expect(await readFile(join(clone, 'builds'), 'utf8')).toBe('built ')
  })

  test('builds again when a source is changed, added or removed, and when the output is gone', async () => {
    setUp()
    await writeFile(join(clone, 'packages/one/src/index.ts'), 'export const one = 2')
    expect(setUp().said).toEqual([builds])
    await writeFile(join(clone, 'packages/one/src/two.ts'), 'export const two = 2')
    expect(setUp().said).toEqual([builds])
    await rm(join(clone, 'packages/one/src/two.ts'))
    expect(setUp().said).toEqual([builds])
    await rm(join(clone, 'packages/one/dist'), { recursive: true })
    expect(setUp().said).toEqual([builds])
    expect(setUp().said).toEqual([])
  })

  test('installs again when the lock file has changed, not when it was only touched', async () => {
    setUp()
    const lock = join(clone, 'package-lock.json')
    const soon = new Date(Date.now() + 60_000)
    await utimes(lock, soon, soon)
    expect(setUp().said).not.toContain(installs)
    await writeFile(lock, `${await readFile(lock, 'utf8')}\n`)
    await utimes(lock, soon, soon)
    expect(setUp().said).toContain(installs)
  })

  test('says what failed, fails, and tries again the next time', async () => {
    await writeFile(join(clone, 'build.cjs'), 'process.exit(3)')
    expect(setUp()).toEqual({
      status: 1,
      said: [installs, builds, '"npm run --silent build" failed; its own words are above.'],
    })
    await writeFile(join(clone, 'build.cjs'), BUILD)
    expect(setUp()).toEqual({ status: 0, said: [builds] })
  })
})

describe('findChromium', () => {
  test('takes the browser that CHROME_PATH names', async () => {
    const found = await findChromium()
    expect(found).toBeDefined()
    expect(await findChromium({ CHROME_PATH: found, PATH: '' })).toBe(found)
  })

  test('refuses to take another one than CHROME_PATH names', async () => {
    await expect(findChromium({ ...process.env, CHROME_PATH: '/nowhere/chrome' })).rejects.toThrow(
      'CHROME_PATH is /nowhere/chrome, and no browser starts there.',
    )
  })
})
