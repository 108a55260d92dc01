import { randomUUID } from 'node:crypto'
import { readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { changeRollout, initRepository, verify } from '@afield/cli'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { MODEL, makeExample } from '../support/learner-risk.js'
import { afield, copyRepository, temporaryFolder } from './workspace.js'

let dir: string
let original: string
let root: string
let repo: string

beforeAll(async () => {
  dir = await temporaryFolder()
  original = await makeExample(join(dir, 'original'), ['1.0.0', '2.0.0'], { bins: 2 })
  root = join(original, 'metadata', '1.root.json')
  await changeRollout({ repo: original }, MODEL, { kind: 'start', candidate: '2.0.0' })
})

beforeEach(async () => {
  repo = await copyRepository(original)
})

/** The newest file in a folder of the repository whose path matches. */
async function find(pattern: RegExp): Promise<string> {
  const names = await readdir(repo, { recursive: true, withFileTypes: true })
  const paths = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const found = paths
    .filter((path) => pattern.test(path))
    .sort((a, b) => a.localeCompare(b))
    .at(-1)
  if (found === undefined) throw new Error(`No file matches ${pattern}.`)
  return found
}

async function flipByte(path: string): Promise<void> {
  const bytes = await readFile(path)
  const at = Math.floor(bytes.length / 2)
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
  await writeFile(path, bytes)
}

test('a whole repository is walked, and is valid', async () => {
  expect(await verify({ repo, root })).toEqual({
    repositoryVersion: 4,
    rootVersion: 1,
    models: 1,
    versions: 2,
    chunks: 2,
    bytes: expect.any(Number),
    problems: [],
  })
  const plain = await afield(['verify', repo, '--root', root])
  expect(plain).toMatchObject({ code: 0, stderr: '' })
  expect(plain.stdout).toMatch(/^Valid: version 4, root 1; models: 1, versions: 2, chunks: 2/)
})

describe('what was changed is named, and the exit code is 1', () => {
  const damages: readonly [string, RegExp, RegExp, string][] = [
    ['a chunk', /chunks/, /^chunks\/.* of learner-risk@/, 'chunk/'],
    ['a descriptor', /descriptors/, /^descriptors\/.* of learner-risk@/, 'manifest/hash-mismatch'],
    ['a rollout', /targets\/rollouts/, /^rollouts\/learner-risk\.json$/, 'manifest/hash-mismatch'],
    ['the timestamp', /timestamp\.json$/, /^metadata$/, 'manifest/'],
    ['the snapshot', /4\.snapshot\.json$/, /^metadata$/, 'manifest/'],
    ['the root', /1\.root\.json$/, /^metadata$/, 'manifest/'],
  ]
  test.each(damages)('%s', async (_, file, where, code) => {
    await flipByte(await find(file))
    const { code: exit, stdout } = await afield(['verify', repo, '--root', root, '--json'])
    expect(exit).toBe(1)
    const report = JSON.parse(stdout) as { valid: boolean; problems: { where: string; code: string }[] }
    expect(report.valid).toBe(false)
    expect(report.problems).toHaveLength(1)
    expect(report.problems[0]?.where).toMatch(where)
    expect(report.problems[0]?.code).toContain(code)
  })

  test('a bin, of which there is one for each document', async () => {
    await flipByte(await find(/\d\.models-\d\.json$/))
    const { problems } = await verify({ repo, root })
    expect(problems).toMatchObject([{ where: expect.stringMatching(/^metadata\/models-\d\.json$/) }])
  })

  test('a chunk that another zlib packed, which devices refuse for its length', async () => {
    const path = await find(/chunks/)
    const stored = await readFile(path)
    const packed = gzipSync(gunzipSync(stored), { level: 1 })
    expect(packed.length).not.toBe(stored.length)
    await writeFile(path, packed)
    const { problems } = await verify({ repo, root })
    expect(problems).toMatchObject([{ code: 'chunk/size-mismatch' }])
  })

  test('several at once, each', async () => {
    await flipByte(await find(/chunks/))
    await rm(await find(/targets\/rollouts/))
    const { problems } = await verify({ repo, root })
    expect(problems.map(({ code }) => code)).toEqual([
      expect.stringMatching(/^chunk\//),
      'manifest/unavailable',
    ])
  })
})

test('an expired one is told', async () => {
  const now = new Date(Date.now() + 40 * 86_400_000)
  const { problems } = await verify({ repo, root, now })
  expect(problems.map(({ where, code }) => [where, code])).toEqual([
    ['metadata/snapshot.json', 'manifest/expired'],
    ['metadata/timestamp.json', 'manifest/expired'],
  ])
})

test("another repository's root is not enough", async () => {
  const other = join(dir, randomUUID())
  await initRepository({ repo: other })
  const { problems, models } = await verify({ repo, root: join(other, 'metadata', '1.root.json') })
  expect(problems).toMatchObject([{ code: 'manifest/signature' }])
  expect(models).toBe(0)
})

test('a root as a bundler wrote it, with other spaces, is the same root', async () => {
  const copy = join(dir, `${randomUUID()}.json`)
  await writeFile(copy, JSON.stringify(JSON.parse(await readFile(root, 'utf8')), null, 4))
  expect((await verify({ repo, root: copy })).problems).toEqual([])
})

test.each([
  [['--root', '/nowhere/root.json'], 1, 'file/missing'],
  [[], 2, 'usage'],
])('verify %s is refused', async (args, exit, error) => {
  const { code, stdout } = await afield(['verify', repo, ...args, '--json'])
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: error } })
  expect(code).toBe(exit)
})

test('a folder without a repository is told', async () => {
  const { code, stderr } = await afield(['verify', dir, '--root', root])
  expect(stderr).toMatch(/^repository\/missing: /)
  expect(code).toBe(1)
})
