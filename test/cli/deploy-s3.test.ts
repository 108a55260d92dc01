import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { changeRollout, deploy, folderTarget } from '@afield/cli'
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { MODEL, makeExample, publishExample } from '../support/learner-risk.js'
import { download, look } from './device.js'
import { BUCKET, CREDENTIALS, startS3, type S3Server } from './s3.js'
import { afield, bin, copyRepository, temporaryFolder } from './workspace.js'

let dir: string
let original: string
let repo: string

/** 1.0.0 published. */
beforeAll(async () => {
  dir = await temporaryFolder()
  original = await makeExample(join(dir, 'original'))
})

const publishSecond = () => publishExample(repo, '2.0.0')

let s3: S3Server

beforeEach(async () => {
  repo = await copyRepository(original)
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
})

test('--cors lets pages of every origin read', async () => {
  await deploy({ repo, target: s3.target() })
  const allowed = async () =>
    (await s3.get('metadata/timestamp.json', { origin: 'https://app.example' })).headers.get(
      'access-control-allow-origin',
    )
  expect(await allowed()).toBeNull()
  await s3.target().allowEveryOrigin()
  expect(await allowed()).toBe('*')
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
    if (method !== 'PUT' || !path.endsWith('2.snapshot.json') || lost) return undefined
    lost = true
    return 'lose'
  })
  await deploy({ repo, target: s3.target() })
  const asked = s3.requests.filter((line) => line.startsWith('PUT') && line.endsWith('2.snapshot.json'))
  expect(asked).toHaveLength(2)
  expect((await look(await mirror(), MODEL)).version).toBe(2)
})

test('of two operators at the same instant, If-None-Match lets one through', async () => {
  await deploy({ repo, target: s3.target() })
  const other = await copyRepository(repo)
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
    const other = await copyRepository(repo)
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

test('Ctrl-C stops in order', async () => {
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
})
