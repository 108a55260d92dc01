import { execFile } from 'node:child_process'
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { bin, readJson, temporaryFolder, writeJson, type Ran } from './workspace.js'

let app: string

beforeEach(async () => {
  app = await temporaryFolder()
})

/** Runs `afield init` inside the app. */
function init(...args: readonly string[]): Promise<Ran> {
  const { AFIELD_REPO: _repo, AFIELD_KEYS: _keys, ...env } = process.env
  return new Promise((resolve) => {
    execFile(process.execPath, [bin, 'init', ...args], { cwd: app, env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr })
    })
  })
}

test('in an app: its module, and beside it the root that it trusts', async () => {
  await writeJson(join(app, 'package.json'), { name: 'shop' })
  const { code, stdout } = await init('models-repo')
  expect(code).toBe(0)
  expect(stdout).toContain('Wrote src/afield.ts, which exports afield, and src/1.root.json beside it')
  expect(stdout).toContain("import { afield } from './afield'")
  expect(await readJson(join(app, 'src', '1.root.json'))).toEqual(
    await readJson(join(app, 'models-repo', 'metadata', '1.root.json')),
  )
  const module = await readFile(join(app, 'src', 'afield.ts'), 'utf8')
  expect(module).toContain("import root from './1.root.json'")
  expect(module).toContain('export const afield = createAfield({ repository, root })')
})

test('a module that is there is left alone', async () => {
  await mkdir(join(app, 'src'))
  await writeFile(join(app, 'src', 'afield.ts'), 'export const mine = 1\n')
  const { stdout } = await init('models-repo')
  expect(stdout).toContain('src/afield.ts is there already and was left alone')
  expect(await readFile(join(app, 'src', 'afield.ts'), 'utf8')).toBe('export const mine = 1\n')
  expect(await readdir(join(app, 'src'))).toEqual(['1.root.json', 'afield.ts'])
})

test('the root of another repository is never replaced, and then nothing is made', async () => {
  await mkdir(join(app, 'src'))
  await writeFile(join(app, 'src', '1.root.json'), '{}')
  expect(await init('models-repo')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^usage: src\/1\.root\.json is the root of another repository/),
  })
  expect(await readdir(app)).toEqual(['src'])
  expect(await init('models-repo', '--no-app')).toMatchObject({ code: 0 })
  expect(await readFile(join(app, 'src', '1.root.json'), 'utf8')).toBe('{}')
})

test('another place, and what is no module', async () => {
  const { stdout } = await init('models-repo', '--app', 'lib/models.mjs', '--json')
  expect(JSON.parse(stdout)).toMatchObject({ app: { written: true, module: join(app, 'lib', 'models.mjs') } })
  expect(await init('other', '--app', 'lib/models.py')).toMatchObject({ code: 2 })
})

test('where no app lies, and in the root of a workspace, nothing is written but the repository', async () => {
  expect((await init('models-repo')).stdout).toContain('Import this root into the app')
  await writeJson(join(app, 'package.json'), { workspaces: ['packages/*'] })
  await init('second-repo')
  expect((await readdir(app)).sort()).toEqual([
    'models-repo',
    'models-repo.keys',
    'package.json',
    'second-repo',
    'second-repo.keys',
  ])
})
