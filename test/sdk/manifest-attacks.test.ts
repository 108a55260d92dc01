import { AfieldError, sha256, utf8 } from '@afield/protocol'
import { memoryStorage, type KeyValueStore } from 'afield/node'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { addRoot, filesOf, nextOf, roleKeys, type Draft, type Files } from '../conformance/support/draft.js'
import { makeKey } from '../protocol/support/signing.js'
import { DAY } from './support/clock.js'
import { indexBytes, makeManifestWorld, versionsOf, type ManifestWorld } from './support/manifests.js'

/**
 * The attacks that the TUF specification names (clause 1.5.2), each on a device that follows the model `m`. Endless
 * data and slow retrieval are in slow-answers.test.ts.
 */

const GOOD = { m: ['1.0.0'] }
const EVIL = indexBytes('m', ['6.6.6'])

let world: ManifestWorld
let state: KeyValueStore

beforeEach(async () => {
  world = await makeManifestWorld(['m'])
  state = memoryStorage().state
  await world.client(state).check(['m'])
})

afterEach(() => world.host.close())

const check = () => world.client(state).check(['m'])

/** How a check ends, what serves after it, and what after the next honest publish. */
async function outcome() {
  const code = await check().then(
    () => 'accepted',
    (error: unknown) => (error instanceof AfieldError ? error.code : error),
  )
  const served = versionsOf(await world.client(state).restore())
  await world.publish()
  await world.publish()
  return { code, served, later: versionsOf(await check()) }
}

const refused = (code: string) => ({ code, served: GOOD, later: GOOD })

const changed = async (change: (next: Draft) => unknown): Promise<Files> => {
  const next = nextOf(world.draft)
  await change(next)
  return filesOf(next)
}

describe('arbitrary software', () => {
  test('other bytes under the name of a listed index', async () => {
    await world.publish(({ documents }) => documents.set('models/m.json', indexBytes('m', ['2.0.0'])))
    const [path = ''] = [...world.host.files.keys()].filter((one) => one.startsWith('targets/models/'))
    const whole = world.host.files.get(path) ?? new Uint8Array()
    world.host.files.set(
      path,
      whole.map((byte) => byte ^ 1),
    )
    await expect(check()).rejects.toMatchObject({ code: 'manifest/hash-mismatch' })
    expect(versionsOf(await world.client(state).restore())).toEqual(GOOD)
  })

  test('an index that its signer has no right to list', async () => {
    const entry = { length: EVIL.length, hashes: { sha256: await sha256(EVIL) } }
    await world.publish(({ roles, documents }) => {
      Object.assign(roles.get('rollouts')?.signed ?? {}, { targets: { 'models/evil.json': entry } })
      documents.delete('rollouts/m.json')
    })
    const manifest = await world.client(state).check(['m', 'evil'])
    expect(versionsOf(manifest)).toEqual(GOOD)
  })

  test.each(['timestamp', 'snapshot'] as const)('%s.json with the wrong key', async (name) => {
    const stranger = await makeKey()
    world.host.files = await changed((next) => (next[name].signers = [stranger]))
    expect(await outcome()).toEqual(refused('manifest/signature'))
  })

  test.each([
    ['targets', 'the rollouts key', (draft: Draft) => draft.keys.rollouts],
    ['targets', 'the snapshot key', (draft: Draft) => draft.keys.snapshot],
    ['rollouts', 'the snapshot key', (draft: Draft) => draft.keys.snapshot],
  ])('%s.json signed with %s', async (name, _, keyOf) => {
    world.host.files = await changed((next) => {
      const role = next.roles.get(name)
      if (role) role.signers = [keyOf(next)]
      next.documents.set('models/m.json', EVIL)
    })
    expect(await outcome()).toEqual(refused('manifest/signature'))
  })
})

describe('rollback', () => {
  test('to an older timestamp', async () => {
    const old = world.host.files
    await world.publish()
    await check()
    world.host.files = old
    expect(await outcome()).toEqual(refused('manifest/rollback'))
  })

  test.each(['targets', 'rollouts'])('to older %s under a new timestamp and snapshot', async (name) => {
    world.host.files = await changed((next) => {
      const role = next.roles.get(name)
      if (role) role.signed.version = 4
    })
    expect(await outcome()).toEqual(refused('manifest/rollback'))
  })
})

test('a fast-forward attack is undone by new keys, and by nothing else', async () => {
  world.host.files = await changed((next) => {
    next.timestamp.signed.version = 2 ** 40
    next.snapshot.signed.version = 2 ** 40
  })
  await check()
  await world.publish()
  await expect(check()).rejects.toMatchObject({ code: 'manifest/rollback' })
  expect(versionsOf(await world.client(state).restore())).toEqual(GOOD)

  const key = await makeKey()
  await world.publish((next) => {
    addRoot(next, [key], { timestamp: roleKeys(key), snapshot: roleKeys(key) })
    next.timestamp.signers = [key]
    next.snapshot.signers = [key]
  })
  world.clock.advance(DAY)
  expect(await check()).toMatchObject({ version: 7 })
  expect(versionsOf(await world.client(state).restore())).toEqual(GOOD)
})

describe('indefinite freeze', () => {
  test.each(['timestamp', 'snapshot', 'targets', 'rollouts'])(
    'of %s.json shows once it has expired, although nothing has changed',
    async (name) => {
      const soon = new Date(world.clock.now() + DAY).toISOString().replace(/\.\d+Z$/, 'Z')
      await world.publish((next) => {
        const role = name === 'timestamp' || name === 'snapshot' ? next[name] : next.roles.get(name)
        if (role) role.signed['expires'] = soon
      })
      await check()
      world.clock.advance(2 * DAY)
      await expect(check()).rejects.toMatchObject({
        code: 'manifest/expired',
        details: { file: `${name}.json`, expires: soon },
      })
      expect(versionsOf(await world.client(state).restore())).toEqual(GOOD)
    },
  )
})

test('mix and match of two publishes', async () => {
  const files = await changed((next) =>
    Object.assign(next.snapshot.signed, {
      meta: { 'targets.json': { version: 7 }, 'rollouts.json': { version: 6 } },
    }),
  )
  files.set('metadata/7.targets.json', files.get('metadata/6.targets.json') ?? utf8(''))
  world.host.files = files
  await expect(check()).rejects.toMatchObject({ code: 'manifest/invalid' })
  expect(versionsOf(await world.client(state).restore())).toEqual(GOOD)
})

test('an app that ships a newer root believes what it stored under the older one', async () => {
  await world.publish((next) => addRoot(next))
  world.clock.advance(DAY)
  await check()
  const second = world.host.files.get('metadata/2.root.json')
  expect(versionsOf(await world.client(state, {}, second).restore())).toEqual(GOOD)
})

describe('a clock that is wrong', () => {
  test('far ahead: stale, and all is well once it is set', async () => {
    const now = world.clock.now()
    world.clock.advance(3650 * DAY)
    await expect(check()).rejects.toMatchObject({ code: 'manifest/expired' })
    expect((await world.client(state).restore())?.expiresAt).toBeLessThan(world.clock.now())
    world.clock.advance(now - world.clock.now())
    expect(versionsOf(await check())).toEqual(GOOD)
  })

  test('far behind: news are followed, and versions still never go back', async () => {
    const old = world.host.files
    world.clock.advance(-3650 * DAY)
    await world.publish()
    expect(await check()).toMatchObject({ version: 6 })
    world.host.files = old
    await expect(check()).rejects.toMatchObject({ code: 'manifest/rollback' })
  })
})
