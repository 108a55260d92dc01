import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { cp, readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { changeRollout, deploy, folderTarget, initRepository, publish, type DeployTarget } from '@afield/cli'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { download, look } from './device.js'
import { BUCKET, CREDENTIALS, startS3, type S3Server } from './s3.js'
import { afield, bin, copyRepository, learnerRisk, temporaryFolder } from './workspace.js'

const MODEL = 'learner-risk'

let dir: string
let original: string
let repo: string
let site: string

/** 1.0.0 published. */
beforeAll(async () => {
  dir = await temporaryFolder()
  original = join(dir, 'original')
  await initRepository({ repo: original })
  await publish({ repo: original, model: learnerRisk('1.0.0'), version: '1.0.0', skipReplay: true })
})

beforeEach(async () => {
  repo = await copyRepository(original, join(dir, randomUUID()))
  site = join(dir, randomUUID())
})

const publishSecond = (to = repo) =>
  publish({ repo: to, model: learnerRisk('2.0.0'), version: '2.0.0', skipReplay: true })

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
    const kinds = paths.map((path) => path.replace(/[0-9a-f]{64}|\b[0-9a-f]{2}\b/g, '#'))
    expect(kinds).toEqual([
      'chunks/#/#',
      'descriptors/#.json',
      'targets/models/#.learner-risk.json',
      'metadata/1.snapshot.json',
      'metadata/2.snapshot.json',
      'metadata/1.targets.json',
      'metadata/1.rollouts.json',
      'metadata/2.targets.json',
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
    other = await copyRepository(repo, join(dir, randomUUID()))
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
    await publish({ repo: other, model: learnerRisk('3.0.0'), version: '3.0.0', skipReplay: true })
    await deploy({ repo: other, target: folderTarget(site) })
    expect((await look(site, MODEL)).version).toBe(5)
  })
})

describe('to an S3-compatible store', () => {
  let s3: S3Server

  beforeEach(async () => {
    s3 = await startS3()
  })
  afterEach(() => s3.close())

  /** Everything that the bucket serves, as a folder that a device can look into. */
  async function mirror(): Promise<string> {
    const to = join(dir, randomUUID())
    const copy = folderTarget(to)
    for (const path of (await s3.target().list()).keys()) {
      const bytes = await s3.target().read(path)
      if (bytes) await copy.write(path, bytes)
    }
    return to
  }

  test('a device finds there what was published, with the headers that it needs', async () => {
    const deployed = await deploy({ repo, target: s3.target() })
    expect(deployed).toMatchObject({ target: 's3://models/live', files: 10, first: true })
    const there = await mirror()
    await download(there, await look(there, MODEL), '1.0.0')
    expect(await deploy({ repo, target: s3.target() })).toMatchObject({ files: 0, skipped: 10 })

    await s3.target().allowEveryOrigin()
    const timestamp = await s3.target().read('metadata/timestamp.json')
    expect(timestamp).toEqual(new Uint8Array(await readFile(join(repo, 'metadata', 'timestamp.json'))))
  })

  test.each([
    ['metadata/timestamp.json', 'no-cache', 'application/json'],
    ['metadata/2.snapshot.json', 'public, max-age=31536000, immutable', 'application/json'],
  ])('%s is stored as %s', async (path, cacheControl, type) => {
    await deploy({ repo, target: s3.target() })
    const response = await s3.get(path)
    expect(response.status).toBe(200)
    expect(response.headers.get('cache-control')).toBe(cacheControl)
    expect(response.headers.get('content-type')).toContain(type)
  })

  test('errors of the server are tried again', async () => {
    let left = 2
    s3.answer(({ method, path }) =>
      method === 'PUT' && path.includes('/chunks/') && left-- > 0 ? 503 : undefined,
    )
    await deploy({ repo, target: s3.target() })
    expect(s3.requests.filter((line) => line.startsWith(`PUT /${BUCKET}/live/chunks/`))).toHaveLength(3)
    const there = await mirror()
    await download(there, await look(there, MODEL), '1.0.0')
  })

  test('a server that stays down is told, and the old version is valid', async () => {
    await deploy({ repo, target: s3.target() })
    await publishSecond()
    s3.answer(({ method, path }) => (method === 'PUT' && path.endsWith('3.snapshot.json') ? 500 : undefined))
    await expect(deploy({ repo, target: s3.target() })).rejects.toMatchObject({
      code: 'deploy/unavailable',
      message: expect.stringContaining('still valid'),
    })
    s3.answer(() => undefined)
    const there = await mirror()
    expect((await look(there, MODEL)).version).toBe(2)
  })

  test('a snapshot that arrived although its answer was lost counts as ours', async () => {
    let lost = false
    s3.answer(({ method, path }) => {
      if (method !== 'GET' || !path.endsWith('2.snapshot.json') || lost) return undefined
      lost = true
      return 500
    })
    await deploy({ repo, target: s3.target() })
    expect(lost).toBe(true)
    expect((await look(await mirror(), MODEL)).version).toBe(2)
  })

  test('of two operators at the same instant, If-None-Match lets one through', async () => {
    await deploy({ repo, target: s3.target() })
    const other = await copyRepository(repo, join(dir, randomUUID()))
    await publishSecond()
    await changeRollout({ repo: other }, MODEL, { kind: 'start', stable: '1.0.0' })
    const target = s3.target()
    const outcomes = await Promise.allSettled([deploy({ repo, target }), deploy({ repo: other, target })])
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
    expect(refused).toHaveLength(1)
    expect(refused[0]).toMatchObject({ reason: { code: 'deploy/conflict' } })
    expect((await look(await mirror(), MODEL)).version).toBe(3)
  })

  test('a store without conditional writes still tells the second of two operators', async () => {
    const plain = await startS3({ conditional: false })
    try {
      const target = plain.target()
      await deploy({ repo, target })
      const other = await copyRepository(repo, join(dir, randomUUID()))
      await publishSecond()
      await changeRollout({ repo: other }, MODEL, { kind: 'start', stable: '1.0.0' })
      await deploy({ repo, target })
      await expect(deploy({ repo: other, target })).rejects.toMatchObject({ code: 'deploy/conflict' })
    } finally {
      await plain.close()
    }
  })

  test.each([
    ['an unknown key', { credentials: { ...CREDENTIALS, accessKeyId: 'NOBODY' } }, 'deploy/credentials'],
    ['a bucket that is not there', { bucket: 'nowhere' }, 'deploy/target'],
    ['a host that is not there', { endpoint: 'http://127.0.0.1:9' }, 'deploy/unavailable'],
  ])('%s', async (_, options, code) => {
    await expect(deploy({ repo, target: s3.target(options) })).rejects.toMatchObject({ code })
  })

  test('a refused signature is told, and not tried again', async () => {
    s3.answer(() => 403)
    await expect(deploy({ repo, target: s3.target() })).rejects.toMatchObject({ code: 'deploy/credentials' })
    expect(s3.requests).toHaveLength(1)
  })

  test('an abort stops between two files', async () => {
    const controller = new AbortController()
    s3.answer(({ path }) => {
      if (path.endsWith('2.snapshot.json')) controller.abort(new Error('enough'))
      return undefined
    })
    await expect(deploy({ repo, target: s3.target(), signal: controller.signal })).rejects.toThrow('enough')
    expect((await s3.target().list()).has('metadata/timestamp.json')).toBe(false)
  })

  test('the command takes credentials from the environment', async () => {
    const env = {
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      AWS_REGION: 'us-east-1',
    }
    const args = [
      'deploy',
      `s3://${BUCKET}/live`,
      '--endpoint',
      s3.endpoint,
      '--repo',
      repo,
      '--cors',
      '--json',
    ]
    const { code, stdout, stderr } = await afield(args, env)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({ target: 's3://models/live', files: 10 })
    expect(s3.requests).toContain(`PUT /${BUCKET}`)
    const without = await afield([...args.slice(0, -1), '--json'], { AWS_ACCESS_KEY_ID: '' })
    expect(JSON.parse(without.stdout)).toMatchObject({ error: { code: 'deploy/credentials' } })
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
  ])('%s is no target', async (address, code) => {
    const { stdout } = await afield(['deploy', address, '--repo', repo, '--json'])
    expect(JSON.parse(stdout)).toMatchObject({ error: { code } })
  })

  test('the repository is no target of itself', async () => {
    const { stdout } = await afield(['deploy', repo, '--repo', repo, '--json'])
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'deploy/target' } })
  })

  test('Ctrl-C stops in order', async () => {
    const s3 = await startS3()
    try {
      const child = spawn(
        process.execPath,
        [bin, 'deploy', `s3://${BUCKET}/live`, '--endpoint', s3.endpoint, '--repo', repo, '--json'],
        {
          env: { ...process.env, AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' },
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      )
      s3.answer(({ path }) => {
        if (!path.includes('2.snapshot.json')) return undefined
        child.kill('SIGINT')
        return 503
      })
      let printed = ''
      child.stdout.on('data', (text: Buffer) => (printed += text.toString()))
      expect(await once(child, 'close')).toEqual([1, null])
      expect(JSON.parse(printed)).toMatchObject({ error: { code: 'aborted' } })
      s3.answer(() => undefined)
      expect((await s3.target().list()).has('metadata/timestamp.json')).toBe(false)
    } finally {
      await s3.close()
    }
  })
})
