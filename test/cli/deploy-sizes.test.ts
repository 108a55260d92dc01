import { randomUUID } from 'node:crypto'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { deploy, folderTarget } from '@afield/cli'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { MODEL, makeExample, publishExample } from '../support/learner-risk.js'
import { download, look } from './device.js'
import { startS3 } from './s3.js'
import { copyRepository, temporaryFolder } from './workspace.js'

let dir: string
let original: string
let repo: string
let site: string
let chunk: string
let descriptor: string

/** 1.0.0 published, with one chunk, which is gzipped. */
beforeAll(async () => {
  dir = await temporaryFolder()
  original = await makeExample(join(dir, 'original'))
  const [shelf = ''] = await readdir(join(original, 'chunks'))
  const [name = ''] = await readdir(join(original, 'chunks', shelf))
  chunk = `chunks/${shelf}/${name}`
  descriptor = `descriptors/${(await readdir(join(original, 'descriptors')))[0]}`
})

beforeEach(async () => {
  repo = await copyRepository(original)
  site = join(dir, randomUUID())
})

const publishSecond = () => publishExample(repo, '2.0.0')

/** The same chunk as another zlib might have packed it. */
async function repack(folder: string): Promise<void> {
  await writeFile(
    join(folder, chunk),
    gzipSync(gunzipSync(await readFile(join(original, chunk))), { level: 0 }),
  )
}

/** A device downloads 1.0.0, whose chunk has the size that was signed. */
async function isWhole(): Promise<boolean> {
  await download(site, await look(site, MODEL), '1.0.0')
  return (await stat(join(site, chunk))).size === (await stat(join(original, chunk))).size
}

test.each<[string, () => Promise<void>]>([
  ['a chunk that was cut', () => writeFile(join(site, chunk), 'cut')],
  ['a chunk in another packing than was signed', () => repack(site)],
  ['a descriptor that was cut', () => writeFile(join(site, descriptor), '{')],
])('%s at the target is replaced, also when nothing else is new', async (_, spoil) => {
  await deploy({ repo, target: folderTarget(site) })
  await spoil()
  expect(await deploy({ repo, target: folderTarget(site), dryRun: true })).toMatchObject({
    files: 1,
    skipped: 9,
  })
  expect(await deploy({ repo, target: folderTarget(site) })).toMatchObject({ files: 1, skipped: 9 })
  expect(await isWhole()).toBe(true)
})

test('in a bucket, too: its listing tells sizes', async () => {
  const s3 = await startS3()
  try {
    await deploy({ repo, target: s3.target() })
    await s3.target().write(chunk, new TextEncoder().encode('cut'))
    expect(await deploy({ repo, target: s3.target() })).toMatchObject({ files: 1, skipped: 9 })
    expect((await s3.target().list()).get(chunk)).toBe((await stat(join(original, chunk))).size)
  } finally {
    await s3.close()
  }
})

test('a target that tells no sizes is taken at its names', async () => {
  await deploy({ repo, target: folderTarget(site) })
  const target = folderTarget(site)
  const list = async () => new Map([...(await target.list()).keys()].map((path) => [path, Number.NaN]))
  expect(await deploy({ repo, target: { ...target, list } })).toMatchObject({ files: 0, skipped: 10 })
})

test('what a slower operator packed otherwise in between is replaced once the version is claimed', async () => {
  const target = folderTarget(site)
  const create: typeof target.create = async (path, bytes) => {
    if (path === 'metadata/1.snapshot.json') await repack(site)
    return target.create(path, bytes)
  }
  await deploy({ repo, target: { ...target, create } })
  expect(await isWhole()).toBe(true)
})

test('a chunk that the target has as it was signed, and this repository does not, stays', async () => {
  await deploy({ repo, target: folderTarget(site) })
  await repack(repo)
  expect(await deploy({ repo, target: folderTarget(site) })).toMatchObject({ files: 0 })
  expect(await isWhole()).toBe(true)
})

test('a chunk that neither has as it was signed is refused, and nothing is written', async () => {
  await deploy({ repo, target: folderTarget(site) })
  await publishSecond()
  await repack(repo)
  await writeFile(join(site, chunk), 'cut')
  await expect(deploy({ repo, target: folderTarget(site) })).rejects.toMatchObject({
    code: 'repository/damaged',
    message: expect.stringContaining(chunk),
  })
  expect((await look(site, MODEL)).version).toBe(2)
})

test('a chunk that no version lists is left to whoever brought it', async () => {
  const name = 'ab'.repeat(32)
  for (const [folder, text] of [
    [repo, 'mine'],
    [site, "somebody else's"],
  ] as const) {
    await folderTarget(folder).write(`chunks/ab/${name}`, new TextEncoder().encode(text))
  }
  await deploy({ repo, target: folderTarget(site) })
  expect(await readFile(join(site, 'chunks', 'ab', name), 'utf8')).toBe("somebody else's")
})
