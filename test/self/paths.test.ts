import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import { OWN_LINES } from '../bundlers/support/own-lines.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Not of this checkout: what packages are called, what is built, and what lies in a repository or beside a model. */
const ELSEWHERE = /^(@afield\/|dist\/|model\.(golden|recorded)\.json$|timestamp\.json$)/

let paths: readonly string[]

beforeAll(async () => {
  const { stdout } = await promisify(execFile)('git', ['ls-files'], { cwd: ROOT })
  const files = stdout.trim().split('\n')
  paths = [...new Set(files.flatMap((file) => [file, ...foldersOf(file)]))]
})

function foldersOf(file: string): readonly string[] {
  const folder = dirname(file)
  return folder === '.' ? [] : [folder, ...foldersOf(folder)]
}

/** `sdk/src/router` or only `router/route.ts`: an end of a path, which may leave `src` out. */
function exists(named: string): boolean {
  return paths.some(
    (path) => `/${path}`.endsWith(`/${named}`) || path.replace('/src/', '/').endsWith(`/${named}`),
  )
}

test('every file and folder that the architecture names is there', async () => {
  const text = await readFile(join(ROOT, 'ARCHITECTURE.md'), 'utf8')
  const named = [...text.matchAll(/`([\w@./-]+)`/g)]
    .map(([, path = '']) => path.replace(/\/$/, ''))
    .filter((path) => /\/|\.(ts|mjs|json|md)$/.test(path) && !ELSEWHERE.test(path))
  expect(named.length).toBeGreaterThan(60)
  expect(named.filter((path) => !exists(path))).toEqual([])
})

test.each(['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md'])(
  'every link of %s into the checkout leads somewhere',
  async (file) => {
    const text = await readFile(join(ROOT, file), 'utf8')
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, path = '']) => path)
    expect(links.filter((path) => !paths.includes(path.replace(/\/$/, '')))).toEqual([])
  },
)

test('the first app of the README is the one that is built and counted', async () => {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8')
  for (const [file, text] of Object.entries(OWN_LINES)) {
    const block = readme.split('```ts\n').find((part) => part.startsWith(`// ${file}`)) ?? ''
    const [, ...lines] = block.slice(0, block.indexOf('```')).trim().split('\n')
    const tested = text.trim().split('\n')
    expect(lines).toHaveLength(tested.length)
    // The values asked for and where the answer is shown are nobody's API.
    const same = file === 'src/main.ts' ? 2 : tested.length
    expect(lines.slice(0, same)).toEqual(tested.slice(0, same))
  }
})
