import { beforeAll, describe, expect, test } from 'vitest'
import type { TrustedManifest } from '@afield/protocol'
import {
  NOW,
  find,
  follow,
  makeKeyring,
  makeState,
  trust,
  type Keyring,
  type State,
} from './support/repository.js'

let keys: Keyring
let manifest: TrustedManifest

const HELD = { timestamp: 5, snapshot: 5, targets: 5, rollouts: 5 }

beforeAll(async () => {
  keys = await makeKeyring()
  manifest = await trust(keys)
  await follow(manifest, await makeState(keys, { versions: HELD }))
})

/** What a device that holds version 5 of everything says to other versions. */
const offer = async (versions: Partial<Record<keyof State, number>>): Promise<void> =>
  follow(manifest, await makeState(keys, { versions: { ...HELD, ...versions } }))

const rollback = (file: string, version: number) => ({
  code: 'manifest/rollback',
  message: expect.stringContaining('An old copy was served; it is ignored'),
  details: { file, version, held: 5 },
})

describe('an old copy is refused', () => {
  test('of the timestamp', async () => {
    await expect(offer({ timestamp: 4 })).rejects.toMatchObject(rollback('timestamp.json', 4))
  })

  test('of the snapshot, under a new timestamp', async () => {
    await expect(offer({ timestamp: 6, snapshot: 4 })).rejects.toMatchObject(rollback('snapshot.json', 4))
  })

  test.each(['targets', 'rollouts'] as const)('of %s, under a new snapshot', async (role) => {
    const next = makeState(keys, {
      versions: { timestamp: 6, snapshot: 6, targets: 5, rollouts: 5, [role]: 4 },
    })
    const device = await trust(keys)
    await follow(device, await makeState(keys, { versions: HELD }))
    await expect(follow(device, await next)).rejects.toMatchObject(rollback(`${role}.json`, 4))
  })

  test('of a role by leaving it out of the snapshot', async () => {
    const device = await trust(keys)
    await follow(device, await makeState(keys, { versions: HELD }))
    const meta = { 'targets.json': { version: 5 } }
    const next = await makeState(keys, {
      versions: { timestamp: 6, snapshot: 6 },
      signed: { snapshot: { meta } },
    })
    await expect(follow(device, next)).rejects.toMatchObject(rollback('rollouts.json', 0))
  })

  test('and what was held is held on', async () => {
    await expect(offer({ timestamp: 4 })).rejects.toThrow('An old copy')
    expect(manifest).toMatchObject({ timestampVersion: 5, version: 5 })
    expect(await find(manifest, 'models/m.json')).toBeDefined()
  })
})

describe('parts of two publishes are refused', () => {
  test.each(['snapshot', 'targets', 'rollouts'] as const)(
    '%s of another version than was promised',
    async (role) => {
      // Signed, with the right hash, and yet not the version that the file above it names.
      const state = await makeState(keys, { signed: { [role]: { version: 7 } } })
      await expect(follow(await trust(keys), state)).rejects.toMatchObject({
        code: 'manifest/invalid',
        message: expect.stringContaining('parts of two publishes are mixed'),
        details: { file: `${role}.json`, version: 7, expected: 1 },
      })
    },
  )

  test.each(['snapshot', 'targets', 'rollouts'] as const)('%s from another state', async (role) => {
    const first = await makeState(keys)
    const second = await makeState(keys, { signed: { [role]: { 'x-note': 'another' } } })
    await expect(follow(await trust(keys), { ...first, [role]: second[role] })).rejects.toMatchObject({
      code: 'manifest/hash-mismatch',
      details: { file: `${role}.json` },
    })
  })
})

describe('damaged files are refused', () => {
  test.each(['snapshot', 'targets', 'rollouts'] as const)('%s of another length or hash', async (role) => {
    const state = await makeState(keys)
    const bytes = state[role]
    const longer = new Uint8Array([...bytes, 0x20])
    const flipped = bytes.slice()
    flipped[flipped.length >> 1] = (flipped[flipped.length >> 1] ?? 0) ^ 1
    for (const damaged of [bytes.subarray(0, bytes.length - 1), longer, flipped, new Uint8Array()]) {
      await expect(follow(await trust(keys), { ...state, [role]: damaged })).rejects.toMatchObject({
        code: 'manifest/hash-mismatch',
        details: { file: `${role}.json`, bytes: damaged.length },
      })
    }
  })

  test('a length that is not the promised one, though no hash was', async () => {
    const state = await makeState(keys)
    const meta = { 'snapshot.json': { version: 1, length: state.snapshot.length + 1 } }
    const { timestamp } = await makeState(keys, { signed: { timestamp: { meta } } })
    await expect(follow(await trust(keys), { ...state, timestamp })).rejects.toMatchObject({
      code: 'manifest/hash-mismatch',
    })
  })

  test('a snapshot whose timestamp promises neither hash nor length needs only the right version', async () => {
    const meta = { 'snapshot.json': { version: 1 } }
    const state = await makeState(keys, { signed: { timestamp: { meta } } })
    const device = await trust(keys)
    await device.acceptTimestamp(state.timestamp, NOW)
    await device.acceptSnapshot(state.snapshot, NOW)
    expect(device.version).toBe(1)
  })
})
