import { spawnSync } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const oxlint = join(dirname(createRequire(import.meta.url).resolve('oxlint/package.json')), 'bin/oxlint')
const cleanUps: (() => Promise<void>)[] = []

afterAll(async () => {
  for (const cleanUp of cleanUps) await cleanUp()
})

/** The rules that the project's own configuration sees broken, by file. */
async function lint(
  files: Readonly<Record<string, string>>,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const folder = await mkdtemp(join(tmpdir(), 'afield-lint-'))
  cleanUps.push(() => rm(folder, { recursive: true }))
  await copyFile(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'))
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
  const { diagnostics } = JSON.parse(stdout) as {
    readonly diagnostics: readonly { readonly code: string; readonly filename: string }[]
  }
  const broken = new Map(Object.keys(files).map((file): [string, string[]] => [file, []]))
  for (const { code, filename } of diagnostics) broken.get(filename)?.push(code)
  return broken
}

type Case = [what: string, other: string]

/** Looks at many files at once, since starting the linter takes most of the time; each case has a file of its own. */
function lintedEach(
  cases: readonly Case[],
  sourceOf: (...given: Case) => readonly [folder: string, source: string],
): (...given: Case) => readonly string[] | undefined {
  const pathOf = (...given: Case): string => {
    const at = cases.findIndex((one) => one.join() === given.join())
    return `${sourceOf(...given)[0]}/file-${at}.ts`
  }
  let broken: ReadonlyMap<string, readonly string[]> = new Map()
  beforeAll(async () => {
    broken = await lint(Object.fromEntries(cases.map((given) => [pathOf(...given), sourceOf(...given)[1]])))
  })
  return (...given) => broken.get(pathOf(...given))
}

const importing = (specifier: string) => `import * as other from '${specifier}'\nexport const it = other\n`

describe('boundaries between packages', () => {
  const forbidden: Case[] = [
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
  ]
  const allowed: Case[] = [
    ['protocol', 'valibot'],
    ['judge', '@afield/protocol'],
    ['sdk', '@afield/protocol'],
    ['cli', '@afield/protocol'],
    ['cli', '@afield/judge'],
    ['collector', '@afield/judge'],
    ['collector', 'node:fs'],
  ]
  const broken = lintedEach([...forbidden, ...allowed], (name, specifier) => [
    `packages/${name}/src`,
    importing(specifier),
  ])

  test.each(forbidden)('%s may not import %s', (name, specifier) => {
    expect(broken(name, specifier)).toEqual(['eslint(no-restricted-imports)'])
  })

  test.each(allowed)('%s may import %s', (name, specifier) => {
    expect(broken(name, specifier)).toEqual([])
  })

  test('a type or a dynamic import is an import too', async () => {
    const found = await lint({
      'packages/protocol/src/type.ts': `export type { Verdict } from '@afield/judge'\n`,
      'packages/sdk/src/later.ts': `export const judge = () => import('@afield/judge')\n`,
    })
    expect([...found.values()]).toEqual([
      ['eslint(no-restricted-imports)'],
      ['eslint(no-restricted-imports)'],
    ])
  })
})

const rules: Case[] = [
  ['typescript(no-explicit-any)', 'export const value: any = 1'],
  ['typescript(no-non-null-assertion)', 'export const first = (list: (Date | undefined)[]) => list[0]!'],
  ['typescript(no-floating-promises)', 'export const go = (work: () => Promise<void>) => { work() }'],
  ['typescript(await-thenable)', 'export const wait = async (value: number) => { await value }'],
  ['typescript(no-misused-promises)', 'export const isSet = (value: Promise<string>) => (value ? 1 : 0)'],
]
const rulesBroken = lintedEach(rules, (_rule, source) => ['packages/cli/src', `${source}\n`])

test.each(rules)('%s fires', (rule, source) => {
  expect(rulesBroken(rule, source)).toContain(rule)
})

test('import(no-cycle) fires', async () => {
  const broken = await lint({
    'packages/cli/src/a.ts': `import { b } from './b.js'\nexport const a = () => b\n`,
    'packages/cli/src/b.ts': `import { a } from './a.js'\nexport const b = () => a\n`,
  })
  expect([...broken.values()].flat()).toContain('import(no-cycle)')
})
