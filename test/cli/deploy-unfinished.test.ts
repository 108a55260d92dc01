import { randomUUID } from 'node:crypto'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { changeRollout, deploy, folderTarget, type DeployTarget } from '@afield/cli'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { MODEL, makeExample, publishExample } from '../support/learner-risk.js'
import { download, look } from './device.js'
import { copyRepository, temporaryFolder } from './workspace.js'

let dir: string
let original: string
let repo: string
let other: string
let site: string

/** 1.0.0 published. */
beforeAll(async () => {
  dir = await temporaryFolder()
  original = await makeExample(join(dir, 'original'))
})

/** Deployed by two operators' common past; each has made another version 3 since. */
beforeEach(async () => {
  ;[repo, other] = [await copyRepository(original), await copyRepository(original)]
  site = join(dir, randomUUID())
  await deploy({ repo, target: folderTarget(site) })
  await publishExample(repo, '2.0.0')
  await changeRollout({ repo: other, author: 'The other' }, MODEL, { kind: 'start', stable: '1.0.0' })
})

class Crash extends Error {}

/** A machine that goes off before it creates a numbered file. */
function dyingBefore(file: string): DeployTarget {
  const target = folderTarget(site)
  return {
    ...target,
    create: (path, bytes) => {
      if (path === `metadata/${file}`) throw new Crash()
      return target.create(path, bytes)
    },
  }
}

const dieAfterTheClaim = (): Promise<unknown> =>
  expect(deploy({ repo, target: dyingBefore('3.targets.json') })).rejects.toThrow(Crash)

test('a deploy that died after its claim goes on when it is run again, also after a further publish', async () => {
  await dieAfterTheClaim()
  expect((await look(site, MODEL)).version).toBe(2)
  await changeRollout({ repo }, MODEL, { kind: 'start', stable: '2.0.0' })
  await deploy({ repo, target: folderTarget(site) })
  const seen = await look(site, MODEL)
  expect(seen).toMatchObject({ version: 4, rollout: { stable: '2.0.0' } })
  await download(site, seen, '2.0.0')
})

test('so it does from a copy of the repository', async () => {
  await dieAfterTheClaim()
  await deploy({ repo: await copyRepository(repo), target: folderTarget(site) })
  expect((await look(site, MODEL)).version).toBe(3)
})

const refusal = async (from: string): Promise<string> => {
  const error: unknown = await deploy({ repo: from, target: folderTarget(site) }).catch(
    (thrown: unknown) => thrown,
  )
  expect(error).toMatchObject({ code: 'deploy/conflict' })
  return (error as Error).message
}

/** The files that a message says to delete. */
const toDelete = (message: string): readonly string[] =>
  message.split('\n').flatMap((line) => /^ {2}(metadata\/.+)$/.exec(line)?.[1] ?? [])

test('another operator is told who can finish it, and what to delete where nobody can', async () => {
  await dieAfterTheClaim()
  const message = await refusal(other)
  expect(message).toContain('stopped half-way')
  expect(message).toContain('devices are sent to version 2 still')
  expect(message).toContain('Whoever began it runs afield deploy again')
  expect(toDelete(message)).toEqual(['metadata/3.snapshot.json'])
  expect(toDelete(await refusal(original))).toEqual(['metadata/3.snapshot.json'])
  expect((await look(site, MODEL)).version).toBe(2)

  await rm(join(site, 'metadata', '3.snapshot.json'))
  await deploy({ repo: other, target: folderTarget(site) })
  expect(await look(site, MODEL)).toMatchObject({ version: 3, rollout: { stable: '1.0.0' } })
})

test('so are the roles that it had written already', async () => {
  await changeRollout({ repo }, MODEL, { kind: 'start', stable: '1.0.0' })
  const target = folderTarget(site)
  const dying = {
    ...target,
    write: (path: string, bytes: Uint8Array<ArrayBuffer>) =>
      path.endsWith('timestamp.json') ? Promise.reject(new Crash()) : target.write(path, bytes),
  }
  await expect(deploy({ repo, target: dying })).rejects.toThrow(Crash)
  const files = toDelete(await refusal(other))
  const left = ['2.rollouts', '3.snapshot', '3.targets', '4.snapshot']
  expect(files).toEqual(left.map((name) => `metadata/${name}.json`))

  // Whoever forgets one is told again, before anything is claimed.
  for (const path of files.filter((file) => !file.includes('rollouts'))) await rm(join(site, path))
  expect(toDelete(await refusal(other))).toEqual(files.filter((file) => file.includes('rollouts')))
  expect(await readdir(join(site, 'metadata'))).not.toContain('3.snapshot.json')
})

test('once it is finished, the other takes the files over as ever', async () => {
  await dieAfterTheClaim()
  await deploy({ repo, target: folderTarget(site) })
  expect(await refusal(other)).toContain('Take the files of the target over')
})

test("another chain of roots is told, and the target's stays", async () => {
  await writeFile(join(site, 'metadata', '2.root.json'), '{}')
  expect(await refusal(repo)).toContain('its metadata/2.root.json is not yours')
  expect(await readFile(join(site, 'metadata', '2.root.json'), 'utf8')).toBe('{}')
  expect(await readdir(join(site, 'metadata'))).not.toContain('3.snapshot.json')
})
