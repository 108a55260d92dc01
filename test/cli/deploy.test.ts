import { randomUUID } from 'node:crypto'
import { cp, readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { changeRollout, deploy, folderTarget, rotate, type DeployTarget } from '@afield/cli'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { MODEL, makeExample, publishExample } from '../support/learner-risk.js'
import { download, look } from './device.js'
import { afield, copyRepository, temporaryFolder } from './workspace.js'

let dir: string
let original: string
let repo: string
let site: string

/** 1.0.0 published. */
beforeAll(async () => {
  dir = await temporaryFolder()
  original = await makeExample(join(dir, 'original'))
})

beforeEach(async () => {
  repo = await copyRepository(original)
  site = join(dir, randomUUID())
})

const publishSecond = (to = repo) => publishExample(to, '2.0.0')

class Crash extends Error {}

/** Throws before a write, as a machine that goes off then. */
function crashingAt(write: number, target = folderTarget(site)): DeployTarget {
  let count = 0
  const step = (): void => {
    if (++count === write) throw new Crash()
  }
  return {
    ...target,
    write: async (path, bytes) => (step(), target.write(path, bytes)),
    create: async (path, bytes) => (step(), target.create(path, bytes)),
  }
}

describe('to a folder', () => {
  test('a device finds there what was published, and a second deploy writes only what is new', async () => {
    const first = await deploy({ repo, target: folderTarget(site) })
    expect(first).toMatchObject({ repositoryVersion: 2, skipped: 0, first: true })
    await download(site, await look(site, MODEL), '1.0.0')

    expect(await deploy({ repo, target: folderTarget(site) })).toMatchObject({
      files: 0,
      bytes: 0,
      first: false,
    })

    await publishSecond()
    await changeRollout({ repo }, MODEL, { kind: 'start', candidate: '2.0.0', stable: '1.0.0' })
    const second = await deploy({ repo, target: folderTarget(site) })
    expect(second).toMatchObject({ repositoryVersion: 4, files: 9 })
    const seen = await look(site, MODEL)
    expect(seen).toMatchObject({ version: 4, rollout: { candidate: '2.0.0' } })
    await download(site, seen, '2.0.0')
  })

  test('files come in the order chunks, descriptors, documents, metadata, timestamp', async () => {
    const paths: string[] = []
    const target = folderTarget(site)
    const watched: DeployTarget = {
      ...target,
      write: async (path, bytes) => (paths.push(path), target.write(path, bytes)),
      create: async (path, bytes) => (paths.push(path), target.create(path, bytes)),
    }
    await deploy({ repo, target: watched })
    const kinds = paths.map((path) =>
      path
        .replace(/[0-9a-f]{64}|\b[0-9a-f]{2}\b/g, '#')
        // Roles are written side by side.
        .replace(/\d+\.(targets|rollouts)\.json/, '#.role.json'),
    )
    expect(kinds).toEqual([
      'chunks/#/#',
      'descriptors/#.json',
      'targets/models/#.learner-risk.json',
      'metadata/1.snapshot.json',
      'metadata/2.snapshot.json',
      ...Array.from({ length: 3 }, () => 'metadata/#.role.json'),
      'metadata/1.root.json',
      'metadata/timestamp.json',
    ])
  })

  test.each([1, 2, 3, 4, 5, 6])(
    'a crash before write %i leaves the old version, and the next deploy finishes',
    async (write) => {
      await deploy({ repo, target: folderTarget(site) })
      await publishSecond()
      await expect(deploy({ repo, target: crashingAt(write) })).rejects.toThrow(Crash)
      const seen = await look(site, MODEL)
      expect(seen.version).toBe(2)
      await download(site, seen, '1.0.0')

      await deploy({ repo, target: folderTarget(site) })
      await download(site, await look(site, MODEL), '2.0.0')
    },
  )

  test('what is published meanwhile waits for the next deploy', async () => {
    await deploy({ repo, target: folderTarget(site) })
    await publishSecond()
    const target = folderTarget(site)
    let published = false
    const slow: DeployTarget = {
      ...target,
      create: async (path, bytes) => {
        if (!published) await rotate({ repo, owner: 'ops' })
        published = true
        return target.create(path, bytes)
      },
    }
    expect(await deploy({ repo, target: slow })).toMatchObject({ repositoryVersion: 3 })
    const seen = await look(site, MODEL)
    expect(seen.version).toBe(3)
    await download(site, seen, '2.0.0')

    await deploy({ repo, target: folderTarget(site) })
    expect((await look(site, MODEL)).version).toBe(4)
  })

  describe.each(['ops', 'release'])('after rotate %s', (owner) => {
    test.each([1, 2, 3, 4, 5])(
      'a crash before write %i leaves a target that devices trust',
      async (write) => {
        await deploy({ repo, target: folderTarget(site) })
        await rotate({ repo, owner })
        await deploy({ repo, target: crashingAt(write) }).catch((error: unknown) => {
          if (!(error instanceof Crash)) throw error
        })
        await download(site, await look(site, MODEL), '1.0.0')

        await deploy({ repo, target: folderTarget(site) })
        expect(await readdir(join(site, 'metadata'))).toContain('2.root.json')
        expect((await look(site, MODEL)).version).toBe(3)
      },
    )
  })

  test('also when more was published since with the new keys alone', async () => {
    await deploy({ repo, target: folderTarget(site) })
    await rotate({ repo, owner: 'ops' })
    await publishSecond()
    await deploy({ repo, target: folderTarget(site) })
    const seen = await look(site, MODEL)
    expect(seen.version).toBe(4)
    await download(site, seen, '2.0.0')
  })

  test('--dry-run writes nothing and says what it would', async () => {
    expect(await deploy({ repo, target: folderTarget(site), dryRun: true })).toMatchObject({
      files: 10,
      dryRun: true,
    })
    await expect(readdir(site)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('what an interrupted publish left behind stays at home', async () => {
    await writeFile(join(repo, 'metadata', '9.targets.json'), '{}')
    await writeFile(join(repo, 'metadata', '3.snapshot.json'), '{')
    await deploy({ repo, target: folderTarget(site) })
    const names = await readdir(join(site, 'metadata'))
    expect(names).not.toContain('9.targets.json')
    expect(names).not.toContain('3.snapshot.json')
  })

  test('a damaged file is not deployed', async () => {
    const [shelf = ''] = await readdir(join(repo, 'chunks'))
    const [name = ''] = await readdir(join(repo, 'chunks', shelf))
    await writeFile(join(repo, 'chunks', shelf, name), 'other bytes')
    await expect(deploy({ repo, target: folderTarget(site) })).rejects.toMatchObject({
      code: 'repository/damaged',
      message: expect.stringContaining(name),
    })
  })
})

describe('two operators', () => {
  let other: string

  beforeEach(async () => {
    await deploy({ repo, target: folderTarget(site) })
    other = await copyRepository(repo)
    await publishSecond()
    await changeRollout({ repo: other, author: 'The other' }, MODEL, { kind: 'start', stable: '1.0.0' })
  })

  test('the second is told, and nothing of the first is overwritten', async () => {
    await deploy({ repo: other, target: folderTarget(site) })
    const theirs = await readFile(join(site, 'metadata', '3.snapshot.json'))
    await expect(deploy({ repo, target: folderTarget(site) })).rejects.toMatchObject({
      code: 'deploy/conflict',
      message: expect.stringContaining('metadata/3.snapshot.json'),
    })
    expect(await readFile(join(site, 'metadata', '3.snapshot.json'))).toEqual(theirs)
    expect(await look(site, MODEL)).toMatchObject({
      version: 3,
      rollout: { change: { author: 'The other' } },
    })
  })

  test('also when both saw the target as it was before', async () => {
    const target = folderTarget(site)
    const slow: DeployTarget = {
      ...target,
      create: async (path, bytes) => {
        if (path === 'metadata/3.snapshot.json') await deploy({ repo: other, target })
        return target.create(path, bytes)
      },
    }
    await expect(deploy({ repo, target: slow })).rejects.toMatchObject({ code: 'deploy/conflict' })
    expect(await look(site, MODEL)).toMatchObject({
      version: 3,
      rollout: { change: { author: 'The other' } },
    })
  })

  test('one who is behind is told, and does not take the timestamp back', async () => {
    await deploy({ repo, target: folderTarget(site) })
    await expect(deploy({ repo: original, target: folderTarget(site) })).rejects.toMatchObject({
      code: 'deploy/conflict',
      message: expect.stringContaining('it is at version 3, and this repository at version 2'),
    })
    expect((await look(site, MODEL)).version).toBe(3)
  })

  test('who takes the files over can go on, and so can the other', async () => {
    await deploy({ repo: other, target: folderTarget(site) })
    await expect(deploy({ repo, target: folderTarget(site) })).rejects.toMatchObject({
      code: 'deploy/conflict',
    })
    expect(await readdir(join(site, 'metadata'))).not.toContain('3.targets.json')

    await cp(site, repo, { recursive: true })
    await publishSecond()
    await deploy({ repo, target: folderTarget(site) })
    const seen = await look(site, MODEL)
    expect(seen).toMatchObject({ version: 4, rollout: { change: { author: 'The other' } } })
    await download(site, seen, '2.0.0')

    await cp(site, other, { recursive: true })
    await publishExample(other, '3.0.0')
    await deploy({ repo: other, target: folderTarget(site) })
    expect((await look(site, MODEL)).version).toBe(5)
  })
})

describe('the command', () => {
  test('says what it wrote and what comes next', async () => {
    const { code, stdout } = await afield(['deploy', site, '--repo', repo])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^Deployed version 2 to .+: 10 files, [\d,]+ bytes; 0 files were there\.\n/)
    expect(stdout).toContain('Access-Control-Allow-Origin')
    expect((await afield(['deploy', site, '--repo', repo])).stdout).toContain(
      '0 files, 0 bytes; 10 files were there',
    )
  })

  test.each([
    ['ftp://host/models', 'deploy/target'],
    ['s3://Not_A_Bucket', 'deploy/target'],
    ['s3://bucket/../other', 'deploy/target'],
    ['s3://bucket/models/..', 'deploy/target'],
    ['s3://bucket/./models', 'deploy/target'],
    ['s3://bucket/models//live', 'deploy/target'],
  ])('%s is no target', async (address, code) => {
    const { stdout } = await afield(['deploy', address, '--repo', repo, '--json'])
    expect(JSON.parse(stdout)).toMatchObject({ error: { code } })
  })

  test('the repository is no target of itself', async () => {
    const { stdout } = await afield(['deploy', repo, '--repo', repo, '--json'])
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'deploy/target' } })
  })
})
