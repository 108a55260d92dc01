import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { diskFiles, initRepository, publish, verify } from '@afield/cli'
import { expect, test } from 'vitest'
import { learnerRisk } from '../support/learner-risk.js'
import { look } from './device.js'
import { readJson, temporaryFolder } from './workspace.js'

const DAY_MS = 86_400_000

test('an empty repository is one that a device trusts, from the root that the app imports', async () => {
  const repo = join(await temporaryFolder(), 'repo')
  const made = await initRepository({ repo })
  expect(made.root).toBe(join(repo, 'metadata', '1.root.json'))
  expect(await readdir(join(repo, 'metadata'))).toEqual([
    '1.rollouts.json',
    '1.root.json',
    '1.snapshot.json',
    '1.targets.json',
    'timestamp.json',
  ])
  const seen = await look(repo, 'learner-risk')
  expect(seen).toMatchObject({ version: 1, index: undefined, rollout: undefined })
})

test('timestamp and snapshot are valid for 30 days, root and targets for a year', async () => {
  const repo = join(await temporaryFolder(), 'repo')
  const now = new Date('2026-03-01T12:00:00Z')
  const { refreshBy } = await initRepository({ repo }, { now })
  const expires = async (file: string) => {
    const { signed } = (await readJson(join(repo, 'metadata', file))) as { signed: { expires: string } }
    return (Date.parse(signed.expires) - now.getTime()) / DAY_MS
  }
  expect(await expires('timestamp.json')).toBe(30)
  expect(await expires('1.snapshot.json')).toBe(30)
  expect(await expires('1.targets.json')).toBe(365)
  expect(await expires('1.rollouts.json')).toBe(365)
  expect(await expires('1.root.json')).toBe(365)
  expect(refreshBy).toBe('2026-03-31T12:00:00Z')
})

test('the keys lie outside the repository, for their owner alone', async () => {
  const repo = join(await temporaryFolder(), 'repo')
  const { keys } = await initRepository({ repo })
  expect(keys).toBe(`${repo}.keys`)
  expect((await stat(keys)).mode & 0o777).toBe(0o700)
  for (const name of ['release.pem', 'ops.pem']) {
    expect((await stat(join(keys, name))).mode & 0o777).toBe(0o600)
    expect(await readFile(join(keys, name), 'utf8')).toMatch(/^-----BEGIN PRIVATE KEY-----/)
  }
})

test('the ops key signs rollouts, snapshot and timestamp; the release key what may run', async () => {
  const repo = join(await temporaryFolder(), 'repo')
  await initRepository({ repo })
  const signer = async (file: string) => {
    const { signatures } = (await readJson(join(repo, 'metadata', file))) as {
      signatures: { keyid: string }[]
    }
    return signatures.map(({ keyid }) => keyid).join()
  }
  const release = await signer('1.root.json')
  const ops = await signer('timestamp.json')
  expect(release).not.toBe(ops)
  expect(await signer('1.targets.json')).toBe(release)
  expect(await signer('1.snapshot.json')).toBe(ops)
  expect(await signer('1.rollouts.json')).toBe(ops)
})

test('a folder that holds anything is left alone', async () => {
  const repo = await temporaryFolder()
  await writeFile(join(repo, 'notes.txt'), 'mine')
  await expect(initRepository({ repo })).rejects.toMatchObject({ code: 'repository/not-empty' })
  expect(await readdir(repo)).toEqual(['notes.txt'])
})

test('keys that exist are never replaced, and then no repository is made', async () => {
  const dir = await temporaryFolder()
  const keys = join(dir, 'keys')
  await mkdir(keys)
  await writeFile(join(keys, 'ops.pem'), 'precious')
  const repo = join(dir, 'repo')
  await expect(initRepository({ repo, keys })).rejects.toMatchObject({ code: 'keys/exist' })
  expect(await readFile(join(keys, 'ops.pem'), 'utf8')).toBe('precious')
  await expect(stat(repo)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('keys inside the repository would be published, so they are refused', async () => {
  const repo = join(await temporaryFolder(), 'repo')
  const keys = join(repo, 'secret')
  await expect(initRepository({ repo, keys })).rejects.toMatchObject({ code: 'usage' })
})

test.each([
  ['the keys folder', { repo: 'a', keys: 'keys' }, { repo: 'b', keys: 'keys' }],
  ['the repository', { repo: 'a', keys: 'one' }, { repo: 'a', keys: 'two' }],
  ['both', { repo: 'a', keys: 'keys' }, { repo: 'a', keys: 'keys' }],
])('of two at once that share %s, one wins and keeps all of its own', async (_, ...pair) => {
  for (let round = 0; round < 5; round++) {
    const dir = await temporaryFolder()
    const locations = pair.map(({ repo, keys }) => ({ repo: join(dir, repo), keys: join(dir, keys) }))
    const outcomes = await Promise.allSettled(locations.map((location) => initRepository(location)))
    const won = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    expect(won).toHaveLength(1)
    for (const { repo, keys, root } of won) {
      await publish({ repo, keys, model: learnerRisk('1.0.0'), version: '1.0.0', skipReplay: true })
      expect((await verify({ repo, root })).problems).toEqual([])
    }
  }
})

test('also when the keys of the two have other names: the second is refused, and keeps nothing there', async () => {
  for (let round = 0; round < 5; round++) {
    const dir = await temporaryFolder()
    const keys = join(dir, 'keys')
    const outcomes = await Promise.allSettled([
      initRepository({ repo: join(dir, 'a'), keys }, { roles: 'two' }),
      initRepository({ repo: join(dir, 'b'), keys }, { roles: 'separate' }),
    ])
    const won = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    const lost = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
    expect(lost).toMatchObject([{ code: 'keys/exist' }])
    expect((await readdir(keys)).map((name) => join(keys, name))).toEqual(
      [...(won[0]?.keyFiles ?? [])].sort(),
    )
  }
})

test('one that was stopped while it made keys says what to delete', async () => {
  const dir = await temporaryFolder()
  const keys = join(dir, 'keys')
  await mkdir(keys)
  await writeFile(join(keys, '.init'), '')
  await expect(initRepository({ repo: join(dir, 'repo'), keys })).rejects.toMatchObject({
    code: 'keys/exist',
    message: expect.stringContaining(`delete ${join(keys, '.init')}`),
  })
})

test('what fails takes back what it made, and nothing else', async () => {
  const dir = await temporaryFolder()
  const keys = join(dir, 'keys')
  const repo = join(dir, 'repo')
  const files = diskFiles(repo)
  const create: typeof files.create = async (path, bytes) => {
    if (path !== 'metadata/1.snapshot.json') return files.create(path, bytes)
    await writeFile(join(keys, 'timestamp.pem'), "somebody else's")
    await writeFile(join(repo, 'metadata', '7.root.json'), "somebody else's")
    throw new Error('The disk is gone.')
  }
  await expect(initRepository({ repo, keys, files: { ...files, create } })).rejects.toThrow('gone')
  expect(await readdir(keys)).toEqual(['timestamp.pem'])
  expect(await readdir(repo)).toEqual(['metadata'])
  expect(await readdir(join(repo, 'metadata'))).toEqual(['7.root.json'])
})
