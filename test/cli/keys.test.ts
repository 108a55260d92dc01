import { chmod, copyFile, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import { changeRollout, initRepository } from '@afield/cli'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { MODEL, makeExample, publishExample } from '../support/learner-risk.js'
import { look } from './device.js'
import { afield, copyRepository, readJson, temporaryFolder } from './workspace.js'

const PASSPHRASE = 'correct horse battery'

let dir: string
let original: string
let repo: string
let keys: string

beforeAll(async () => {
  dir = await temporaryFolder()
  original = await makeExample(join(dir, 'original'))
})

beforeEach(async () => {
  repo = await copyRepository(original)
  keys = `${repo}.keys`
})

const start = () => changeRollout({ repo }, MODEL, { kind: 'start', stable: '1.0.0' })
const again = () => publishExample(repo, '2.0.0')

async function expectUntouched(): Promise<void> {
  expect((await readdir(join(repo, 'metadata'))).sort()).toEqual(
    (await readdir(join(original, 'metadata'))).sort(),
  )
  expect(await look(repo, MODEL)).toMatchObject({ version: 2, rollout: undefined })
}

describe('a key file, each refusal with its own code and nothing written', () => {
  test('that is missing', async () => {
    await rm(join(keys, 'ops.pem'))
    await expect(start()).rejects.toMatchObject({
      code: 'keys/missing',
      message: expect.stringContaining('--keys'),
    })
    await expectUntouched()
  })

  test.each([0o640, 0o604, 0o644])('that others can read, mode %o', async (mode) => {
    const file = join(keys, 'ops.pem')
    await chmod(file, mode)
    await expect(start()).rejects.toMatchObject({
      code: 'keys/exposed',
      message: expect.stringContaining(`chmod 600 ${file}`),
    })
    await expectUntouched()
    await chmod(file, 0o600)
    await start()
  })

  test("that is another repository's", async () => {
    const other = join(dir, 'other')
    await initRepository({ repo: other })
    await copyFile(join(`${other}.keys`, 'ops.pem'), join(keys, 'ops.pem'))
    await expect(start()).rejects.toMatchObject({ code: 'keys/wrong' })
    await copyFile(join(`${original}.keys`, 'ops.pem'), join(keys, 'ops.pem'))
    await copyFile(join(`${other}.keys`, 'release.pem'), join(keys, 'release.pem'))
    await expect(again()).rejects.toMatchObject({ code: 'keys/wrong' })
    await expectUntouched()
  })

  test('that is damaged', async () => {
    await writeFile(join(keys, 'ops.pem'), '-----BEGIN PRIVATE KEY-----\nno\n-----END PRIVATE KEY-----\n')
    await expect(start()).rejects.toMatchObject({ code: 'keys/wrong' })
    await expectUntouched()
  })

  test('of a kind that devices cannot verify', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'secp384r1' })
    await writeFile(join(keys, 'ops.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }))
    await expect(start()).rejects.toMatchObject({ code: 'keys/wrong' })
    await expectUntouched()
  })
})

test('a rollout is steered without the release key at hand', async () => {
  await rename(join(keys, 'release.pem'), join(dir, 'safe.pem'))
  await start()
  await expect(again()).rejects.toMatchObject({ code: 'keys/missing' })
})

describe('with a passphrase', () => {
  let encrypted: string

  beforeAll(async () => {
    encrypted = join(dir, 'encrypted')
    await afield(['init', encrypted, '--passphrase'], { AFIELD_PASSPHRASE: PASSPHRASE })
  })

  const list = (env: Readonly<Record<string, string>>) =>
    afield(['refresh', '--repo', encrypted, '--json'], env)

  test('the key files are encrypted PKCS#8, for their owner alone', async () => {
    for (const name of ['release.pem', 'ops.pem']) {
      const file = join(`${encrypted}.keys`, name)
      expect(await readFile(file, 'utf8')).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----/)
      expect((await stat(file)).mode & 0o777).toBe(0o600)
    }
  })

  test('it opens them from the environment or from a file', async () => {
    expect(await list({ AFIELD_PASSPHRASE: PASSPHRASE })).toMatchObject({ code: 0 })
    const file = join(dir, 'passphrase')
    await writeFile(file, `${PASSPHRASE}\n`)
    expect(await list({ AFIELD_PASSPHRASE_FILE: file })).toMatchObject({ code: 0 })
  })

  test.each([
    ['a wrong one', { AFIELD_PASSPHRASE: 'wrong horse battery' }],
    ['none, where nobody can be asked', {}],
    ['a file that is not there', { AFIELD_PASSPHRASE_FILE: '/nowhere/passphrase' }],
  ])('%s is refused', async (_, env) => {
    const { code, stdout } = await list(env)
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'keys/passphrase' } })
    expect(code).toBe(1)
  })

  test('one that is too short makes no repository', async () => {
    const short = join(dir, 'short')
    const { code, stderr } = await afield(['init', short, '--passphrase'], { AFIELD_PASSPHRASE: 'abc' })
    expect(code).toBe(1)
    expect(stderr).toMatch(/^keys\/passphrase: /)
    await expect(stat(short)).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

test('the first root says who made the repository', async () => {
  const { signed } = (await readJson(join(repo, 'metadata', '1.root.json'))) as {
    signed: Record<string, unknown>
  }
  expect(signed['x-afield-change']).toMatchObject({ reason: 'init' })
})
