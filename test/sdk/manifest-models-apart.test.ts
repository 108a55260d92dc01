import { jsonBytes, utf8, type Version } from '@afield/protocol'
import { memoryStorage, type KeyValueStore } from 'afield/node'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Manifest } from '../../packages/sdk/dist/keeper/manifest/client.js'
import type { Draft } from '../conformance/support/draft.js'
import {
  indexBytes,
  makeManifestWorld,
  rolloutBytes,
  versionsOf,
  type ManifestWorld,
} from './support/manifests.js'

const MODELS = ['good', 'bad']
const NEWER = ['1.0.0', '2.0.0']

let world: ManifestWorld
let state: KeyValueStore

beforeEach(async () => {
  world = await makeManifestWorld(MODELS)
  state = memoryStorage().state
  await world.client(state).check(MODELS)
})

afterEach(() => world.host.close())

/** Both models get a newer index; one of them comes with something that is refused. */
const publishWith = (spoil: (next: Draft) => unknown) =>
  world.publish((next) => {
    for (const model of MODELS) next.documents.set(`models/${model}.json`, indexBytes(model, NEWER))
    spoil(next)
  })

describe('news of one model are adopted although those of another are refused', () => {
  test.each<[string, string, readonly string[], (next: Draft) => unknown]>([
    [
      'its rollout moves devices behind the team',
      'rollout/invalid',
      NEWER,
      ({ documents }) => documents.set('rollouts/bad.json', rolloutBytes('bad', { seed: 'another' })),
    ],
    [
      "its rollout is another model's",
      'rollout/invalid',
      NEWER,
      ({ documents }) => documents.set('rollouts/bad.json', rolloutBytes('good')),
    ],
    [
      "its index is another model's",
      'manifest/invalid',
      ['1.0.0'],
      ({ documents }) => documents.set('models/bad.json', indexBytes('good', NEWER)),
    ],
    [
      'its index is none',
      'manifest/invalid',
      ['1.0.0'],
      ({ documents }) => documents.set('models/bad.json', utf8('[]')),
    ],
  ])('%s: %s', async (_, code, bad, spoil) => {
    await publishWith(spoil)
    const manifest = await world.client(state).check(MODELS)
    const expected = { good: NEWER, bad }
    expect(versionsOf(manifest)).toEqual(expected)
    expect([...manifest.failures]).toMatchObject([['bad', { code }]])
    // At rest, what vouched for the older documents is kept with them.
    expect(versionsOf(await world.client(state).restore())).toEqual(expected)

    // It is asked for again at each check, and told again.
    expect((await world.client(state).check(MODELS)).failures.has('bad')).toBe(true)
    await world.publish(({ documents }) => {
      documents.set('models/bad.json', indexBytes('bad', NEWER))
      documents.set('rollouts/bad.json', rolloutBytes('bad'))
    })
    const mended = await world.client(state).check(MODELS)
    expect(versionsOf(mended)).toEqual({ good: NEWER, bad: NEWER })
    expect(mended.failures.size).toBe(0)
  })
})

test('documents that are missing on the host are fetched once they are there', async () => {
  await publishWith(() => undefined)
  const whole = world.host.files
  world.host.files = new Map([...whole].filter(([path]) => !/targets\/models\/.*\.bad\.json$/.test(path)))
  const manifest = await world.client(state).check(MODELS)
  expect([...manifest.failures]).toMatchObject([['bad', { code: 'manifest/unavailable' }]])
  world.host.files = whole
  world.host.requests.length = 0
  expect(versionsOf(await world.client(state).check(MODELS))).toEqual({ good: NEWER, bad: NEWER })
  // Whose documents were adopted is not asked for again.
  expect(world.host.requests.filter((path) => path.includes('good'))).toEqual([])
})

test('when none can follow, the check rejects and nothing has changed', async () => {
  await publishWith(({ documents }) => {
    for (const model of MODELS) documents.set(`models/${model}.json`, utf8('[]'))
  })
  await expect(world.client(state).check(MODELS)).rejects.toMatchObject({ code: 'manifest/invalid' })
  expect(versionsOf(await world.client(state).restore())).toEqual({ good: ['1.0.0'], bad: ['1.0.0'] })
})

test('a model that was never here has nothing to fall back on, and says why', async () => {
  await world.publish(({ documents }) => {
    documents.set('models/new.json', utf8('[]'))
  })
  const manifest = await world.client(state).check([...MODELS, 'new'])
  expect(manifest.models.has('new')).toBe(false)
  expect(manifest.failures.get('new')).toMatchObject({ code: 'manifest/invalid' })
})

describe('a revocation counts although the rollout beside it is refused', () => {
  const revoked = (document: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => {
    const index = JSON.parse(new TextDecoder().decode(document)) as {
      versions: Record<string, object>
      change: object
    }
    const release = {
      ...index.versions['1.0.0'],
      revoked: { author: 'Tests', reason: 'It is wrong.', at: '2026-11-21T12:00:00Z' },
    }
    return jsonBytes({ ...index, versions: { ...index.versions, '1.0.0': release } })
  }
  const stateOf = (manifest: Manifest | undefined) => {
    const bad = manifest?.models.get('bad')
    return {
      versions: Object.keys(bad?.index.versions ?? {}),
      revoked: bad?.index.versions['1.0.0' as Version]?.revoked !== undefined,
      seed: bad?.rollout?.seed,
    }
  }
  const restored = async () => stateOf(await world.client(state).restore())
  const revokeAnd = (spoil: (next: Draft) => unknown) =>
    world.publish((next) => {
      next.documents.set('models/bad.json', revoked(indexBytes('bad', NEWER)))
      spoil(next)
    })

  test.each<[string, (next: Draft) => unknown]>([
    [
      'moved',
      ({ documents }) => documents.set('rollouts/bad.json', rolloutBytes('bad', { seed: 'another' })),
    ],
    ['none', ({ documents }) => documents.set('rollouts/bad.json', utf8('[]'))],
  ])('%s, in this visit and the next, for as long as it takes', async (_, spoil) => {
    const expected = { versions: NEWER, revoked: true, seed: 'autumn' }
    await revokeAnd(spoil)
    for (let visit = 0; visit < 3; visit++) {
      const manifest = await world.client(state).check(['bad'])
      expect(stateOf(manifest)).toEqual(expected)
      expect(manifest.failures.has('bad')).toBe(true)
      expect(await restored()).toEqual(expected)
    }
    const stored = (await state.get('manifest')) as { kept: readonly unknown[] }
    expect(stored.kept).toHaveLength(1)

    // Neither does a worse index afterwards bring it back.
    await world.publish(({ documents }) => documents.set('models/bad.json', utf8('[]')))
    await world.client(state).check(MODELS)
    await world.client(state).check(MODELS)
    expect(await restored()).toEqual(expected)

    await world.publish(({ documents }) => {
      documents.set('models/bad.json', revoked(indexBytes('bad', NEWER)))
      documents.set('rollouts/bad.json', rolloutBytes('bad'))
    })
    expect((await world.client(state).check(['bad'])).failures.size).toBe(0)
    expect(await restored()).toEqual(expected)
  })
})
