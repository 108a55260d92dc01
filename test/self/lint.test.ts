import { spawnSync } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const oxlint = join(dirname(createRequire(import.meta.url).resolve('oxlint/package.json')), 'bin/oxlint')
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'afield-lint-'))
  await copyFile(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'))
})

afterEach(() => rm(folder, { recursive: true }))

/** The rules that the project's own configuration sees broken in these files. */
async function lint(files: Readonly<Record<string, string>>): Promise<string[]> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  // tsgolint, which knows types, is looked up in the working directory and on the path.
  const path = [join(root, 'node_modules/.bin'), process.env['PATH']].join(delimiter)
  const { stdout } = spawnSync(process.execPath, [oxlint, '--type-aware', '--format=json'], {
    cwd: folder,
    env: { ...process.env, PATH: path },
    encoding: 'utf8',
  })
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: readonly { code: string }[] }
  return diagnostics.map(({ code }) => code)
}

const importing = (specifier: string) => `import * as other from '${specifier}'\nexport const it = other\n`

describe('boundaries between packages', () => {
  test.each([
    ['protocol', 'node:fs'],
    ['protocol', '@afield/judge'],
    ['protocol', 'afield'],
    ['judge', 'node:crypto'],
    ['judge', 'afield'],
    ['judge', '@afield/collector'],
    ['sdk', 'node:path'],
    ['sdk', '@afield/judge'],
    ['sdk', '@afield/cli'],
    ['cli', 'afield'],
    ['cli', '@afield/collector'],
    ['collector', 'afield'],
    ['collector', '@afield/cli'],
    ['site', 'afield'],
    ['cli', '@afield/site'],
    ['cli', '../../protocol/src/ids.js'],
    ['sdk', '../../protocol/dist/ids.js'],
    ['collector', '@afield/protocol/dist/ids.js'],
  ])('%s may not import %s', async (name, specifier) => {
    expect(await lint({ [`packages/${name}/src/file.ts`]: importing(specifier) })).toEqual([
      'eslint(no-restricted-imports)',
    ])
  })

  test.each([
    ['protocol', 'valibot'],
    ['judge', '@afield/protocol'],
    ['sdk', '@afield/protocol'],
    ['cli', '@afield/protocol'],
    ['cli', '@afield/judge'],
    ['collector', '@afield/judge'],
    ['collector', 'node:fs'],
  ])('%s may import %s', async (name, specifier) => {
    expect(await lint({ [`packages/${name}/src/file.ts`]: importing(specifier) })).toEqual([])
  })

  test('a type or a dynamic import is an import too', async () => {
    const broken = await lint({
      'packages/protocol/src/type.ts': `export type { Verdict } from '@afield/judge'\n`,
      'packages/sdk/src/later.ts': `export const judge = () => import('@afield/judge')\n`,
    })
    expect(broken).toEqual(['eslint(no-restricted-imports)', 'eslint(no-restricted-imports)'])
  })
})

test.each([
  ['typescript(no-explicit-any)', 'export const value: any = 1'],
  ['typescript(no-non-null-assertion)', 'export const first = (list: (Date | undefined)[]) => list[0]!'],
  ['typescript(no-floating-promises)', 'export const go = (work: () => Promise<void>) => { work() }'],
  ['typescript(await-thenable)', 'export const wait = async (value: number) => { await value }'],
  ['typescript(no-misused-promises)', 'export const isSet = (value: Promise<string>) => (value ? 1 : 0)'],
])('%s fires', async (rule, source) => {
  expect(await lint({ 'packages/cli/src/file.ts': `${source}\n` })).toContain(rule)
})

test('import(no-cycle) fires', async () => {
  const broken = await lint({
    'packages/cli/src/a.ts': `import { b } from './b.js'\nexport const a = () => b\n`,
    'packages/cli/src/b.ts': `import { a } from './a.js'\nexport const b = () => a\n`,
  })
  expect(broken).toContain('import(no-cycle)')
})
