import { delegatesFor, sha256, type Delegations } from '@afield/protocol'
import { memoryStorage, type KeyValueStore } from 'afield/node'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { head, roleKeys, type Bytes, type Draft } from '../conformance/support/draft.js'
import {
  indexBytes,
  makeManifestWorld,
  rolloutBytes,
  versionsOf,
  type ManifestWorld,
} from './support/manifests.js'

const MODELS = Array.from({ length: 1000 }, (_, i) => `model-${i}`)
const VERSIONS = Array.from({ length: 20 }, (_, i) => `1.${i}.0`)
const ROOMS = ['models', 'rollouts'] as const
const BITS = 4

let world: ManifestWorld
let state: KeyValueStore

beforeEach(async () => {
  world = await makeManifestWorld([])
  state = memoryStorage().state
  await world.publish(async (next) => {
    next.roles.clear()
    await fillBins(next)
  })
})

afterEach(() => world.host.close())

function binsOf({ keys }: Draft, room: (typeof ROOMS)[number]): Delegations {
  const key = room === 'models' ? keys.targets : keys.rollouts
  return {
    keys: { [key.id]: key.key },
    succinct_roles: { ...roleKeys(key), bit_length: BITS, name_prefix: room },
  }
}

/** The top-level targets delegate to `models` and `rollouts`, and each of them on to its bins. */
async function fillBins(draft: Draft): Promise<void> {
  const { targets, rollouts } = draft.keys
  const roles = [
    { name: 'models', ...roleKeys(targets), terminating: true, paths: ['models/*.json'] },
    { name: 'rollouts', ...roleKeys(rollouts), terminating: true, paths: ['rollouts/*.json'] },
  ]
  const keys = { [targets.id]: targets.key, [rollouts.id]: rollouts.key }
  draft.roles.set('targets', {
    signed: { ...head('targets'), delegations: { keys, roles } },
    signers: [targets],
  })
  for (const room of ROOMS) {
    const signers = [room === 'models' ? targets : rollouts]
    const delegations = binsOf(draft, room)
    draft.roles.set(room, { signed: { ...head('targets'), targets: {}, delegations }, signers })
    for (let bin = 0; bin < 2 ** BITS; bin++) {
      draft.roles.set(`${room}-${bin.toString(16)}`, {
        signed: { ...head('targets'), targets: {} },
        signers,
      })
    }
  }
  for (const model of MODELS) {
    await put(draft, `models/${model}.json`, indexBytes(model, VERSIONS))
    await put(draft, `rollouts/${model}.json`, rolloutBytes(model, { stable: '1.0.0' }))
  }
}

/** Lists a document in its bin; returns the bin's name. */
async function put(draft: Draft, path: string, bytes: Bytes): Promise<string> {
  const room = path.startsWith('models/') ? 'models' : 'rollouts'
  const [bin] = await delegatesFor(binsOf(draft, room), path)
  const signed = draft.roles.get(bin?.name ?? '')?.signed
  Object.assign(signed?.['targets'] ?? {}, {
    [path]: { length: bytes.length, hashes: { sha256: await sha256(bytes) } },
  })
  draft.documents.set(path, bytes)
  return bin?.name ?? ''
}

/** Publishes an index as a team does: only its bin, the snapshot and the timestamp change. */
const publishIndex = (model: string, versions: readonly string[]) =>
  world.publish(async (next) => {
    const bin = await put(next, `models/${model}.json`, indexBytes(model, versions))
    for (const [name, { signed }] of next.roles) if (name !== bin) signed.version -= 1
  })

/** What a check fetched, and how many bytes it was. */
async function fetched(models: readonly string[]) {
  world.host.requests.length = 0
  const manifest = await world.client(state).check(models)
  const paths = world.host.requests.filter((path) => world.host.files.has(path))
  const bytes = paths.reduce((sum, path) => sum + (world.host.files.get(path)?.length ?? 0), 0)
  return { manifest, paths, bytes }
}

describe('a device that uses one of 1,000 models with 20 versions each', () => {
  const binOf = async (model: string) =>
    (await delegatesFor(binsOf(world.draft, 'models'), `models/${model}.json`))[0]?.name

  test('fetches at most 60 kB on its first visit, one request when nothing changed, 20 kB when others did', async () => {
    const first = await fetched(['model-7'])
    expect(Object.keys(versionsOf(first.manifest))).toEqual(['model-7'])
    expect(first.bytes).toBeLessThanOrEqual(60_000)

    expect((await fetched(['model-7'])).paths).toEqual(['metadata/timestamp.json'])

    const bins = await Promise.all(MODELS.slice(8).map(async (model) => [model, await binOf(model)] as const))
    const own = await binOf('model-7')
    const [neighbour, stranger] = [true, false].map(
      (same) => bins.find(([, bin]) => (bin === own) === same)?.[0],
    )
    await publishIndex(stranger ?? '', [...VERSIONS, '2.0.0'])
    const second = await fetched(['model-7'])
    expect(second.paths).not.toContainEqual(expect.stringMatching(/(models|rollouts)-/))
    expect(second.bytes).toBeLessThanOrEqual(20_000)
    await publishIndex(neighbour ?? '', [...VERSIONS, '2.0.0'])
    const third = await fetched(['model-7'])
    console.log(
      `first visit ${first.bytes} B; a model of another bin ${second.bytes} B, of its own ${third.bytes} B`,
    )
    expect(third.paths).toHaveLength(3)
  })

  test('follows its own model, and starts again from what it stored', async () => {
    await world.client(state).check(['model-7'])
    const next = [...VERSIONS, '2.0.0']
    await publishIndex('model-7', next)
    expect(versionsOf(await world.client(state).check(['model-7']))).toEqual({ 'model-7': next })
    expect(versionsOf(await world.client(state).restore())).toEqual({ 'model-7': next })
  })

  test('takes no model from the bins of the rollouts', async () => {
    await world.publish((draft) => {
      const evil = indexBytes('evil')
      for (const [name, role] of draft.roles) {
        if (!name.startsWith('rollouts-')) continue
        const listed = { 'models/evil.json': { length: evil.length, hashes: { sha256: 'a'.repeat(64) } } }
        Object.assign(role.signed['targets'] ?? {}, listed)
      }
    })
    const manifest = await world.client(state).check(['model-7', 'evil'])
    expect([...manifest.models.keys()]).toEqual(['model-7'])
    expect(manifest.failures.size).toBe(0)
  })
})
