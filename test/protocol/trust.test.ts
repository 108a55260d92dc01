import { sha256, utf8 } from '@afield/protocol'
import { beforeAll, describe, expect, test } from 'vitest'
import { NOW, find, follow, makeKeyring, makeState, trust, type Keyring } from './support/repository.js'

let keys: Keyring

beforeAll(async () => {
  keys = await makeKeyring()
})

test('a repository that is in order is believed', async () => {
  const manifest = await trust(keys)
  await follow(manifest, await makeState(keys, { versions: { snapshot: 7, timestamp: 9 } }))

  expect(manifest).toMatchObject({ rootVersion: 1, timestampVersion: 9, version: 7 })
  expect(manifest.expiresAt).toBe(Date.parse('2026-12-21T12:00:00Z'))
  expect(await find(manifest, 'models/m.json')).toEqual({
    length: 8,
    hashes: { sha256: await sha256(utf8('an index')) },
  })
  expect((await find(manifest, 'rollouts/m.json'))?.length).toBe(9)
  expect(await find(manifest, 'models/other.json')).toBeUndefined()
})

test('a newer state takes its place', async () => {
  const manifest = await trust(keys)
  await follow(manifest, await makeState(keys))
  const versions = { timestamp: 2, snapshot: 2, targets: 2 }
  await follow(manifest, await makeState(keys, { versions }))
  expect(manifest).toMatchObject({ timestampVersion: 2, version: 2 })
})

test('an unchanged timestamp says so', async () => {
  const manifest = await trust(keys)
  const state = await makeState(keys)
  expect(await manifest.acceptTimestamp(state.timestamp, NOW)).toBe('accepted')
  expect(await manifest.acceptTimestamp(state.timestamp, NOW)).toBe('unchanged')
})

test('fields that this version does not know are signed along and passed over', async () => {
  const manifest = await trust(keys)
  const more = { 'x-note': { by: 'somebody' } }
  await follow(
    manifest,
    await makeState(keys, { signed: { targets: more, snapshot: more, timestamp: more } }),
  )
  expect(manifest.version).toBe(1)
})

describe('files that come in the wrong order', () => {
  test('are refused', async () => {
    const manifest = await trust(keys)
    const state = await makeState(keys)
    const invalid = { code: 'manifest/invalid' }
    await expect(manifest.acceptSnapshot(state.snapshot, NOW)).rejects.toMatchObject(invalid)
    await expect(manifest.acceptTargets('targets', state.targets, NOW)).rejects.toMatchObject(invalid)
    await manifest.acceptTimestamp(state.timestamp, NOW)
    await manifest.acceptSnapshot(state.snapshot, NOW)
    await expect(manifest.acceptTargets('rollouts', state.rollouts, NOW)).rejects.toMatchObject(invalid)
  })
})
