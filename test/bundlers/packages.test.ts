import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PUBLISHED, pack, type PackageName, type Tarball } from './support/packages.js'

const NAMES = Object.keys(PUBLISHED) as PackageName[]

let folder: string
let tarballs: readonly Tarball[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'afield-tarballs-'))
  tarballs = await pack(NAMES, folder)
}, 60_000)

afterAll(() => rm(folder, { recursive: true, force: true }))

function tarballOf(name: PackageName): Tarball {
  const tarball = tarballs.find((packed) => packed.name === name)
  if (!tarball) throw new Error(`${name} was not packed`)
  return tarball
}

describe.each(NAMES)('%s', (name) => {
  test('has nothing that publint would mention', async () => {
    const { file } = tarballOf(name)
    const { buffer } = new Uint8Array(await readFile(file))
    const { messages, pkg } = await publint({ pack: { tarball: buffer }, strict: true, level: 'suggestion' })
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([])
  })

  test('has types that TypeScript finds from modules and in bundlers', async () => {
    const cli = createRequire(import.meta.url).resolve('@arethetypeswrong/cli/package.json')
    const attw = join(dirname(cli), 'dist', 'index.js')
    const args = [
      attw,
      tarballOf(name).file,
      '--profile',
      'esm-only',
      '--format',
      'ascii',
      '--no-color',
      '--no-emoji',
    ]
    // Exits with an error, and says what it found, where there is any problem.
    const { stdout } = await promisify(execFile)(process.execPath, args)
    expect(stdout).toContain('OK (ESM)')
  }, 60_000)

  test('comes with its licence, and without what only a build needs', () => {
    const { files } = tarballOf(name)
    expect(files).toContain('LICENSE')
    expect(files.filter((file) => /tsbuildinfo|\.tgz$|\.test\./.test(file))).toEqual([])
  })

  test('has source maps whose sources are in it', async () => {
    const { files } = tarballOf(name)
    const maps = files.filter((file) => file.endsWith('.map'))
    expect(maps.length).toBeGreaterThan(0)
    const missing: string[] = []
    for (const map of maps) {
      const text = await readFile(join(packageFolder(name), map), 'utf8')
      const { sources, sourcesContent } = JSON.parse(text) as SourceMap
      sources.forEach((source, i) => {
        const path = join(dirname(map), source)
        if (sourcesContent?.[i] === undefined && !files.includes(path)) missing.push(`${map}: ${source}`)
      })
    }
    expect(missing).toEqual([])
  })
})

interface SourceMap {
  readonly sources: readonly string[]
  readonly sourcesContent?: readonly (string | null)[]
}

function packageFolder(name: PackageName): string {
  return join(import.meta.dirname, '..', '..', 'packages', PUBLISHED[name])
}

test('the licence is the same everywhere', async () => {
  const licence = await readFile(join(import.meta.dirname, '..', '..', 'LICENSE'), 'utf8')
  for (const name of NAMES) expect(await readFile(join(packageFolder(name), 'LICENSE'), 'utf8')).toBe(licence)
})
