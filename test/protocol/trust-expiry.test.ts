import { beforeAll, describe, expect, test } from 'vitest'
import {
  NOW,
  PAST,
  find,
  follow,
  makeKeyring,
  makeState,
  trust,
  type Keyring,
  type State,
} from './support/repository.js'

let keys: Keyring

beforeAll(async () => {
  keys = await makeKeyring()
})

const expired = (file: string) => ({
  code: 'manifest/expired',
  message: expect.stringContaining('What is on the device keeps serving'),
  details: { file, expires: PAST },
})

const FILES: readonly (keyof State)[] = ['timestamp', 'snapshot', 'targets', 'rollouts']

describe('an expired file is refused', () => {
  test.each(FILES)('%s.json', async (role) => {
    const state = await makeState(keys, { signed: { [role]: { expires: PAST } } })
    await expect(follow(await trust(keys), state)).rejects.toMatchObject(expired(`${role}.json`))
  })

  test('root.json, once the newest is known', async () => {
    const manifest = await trust(keys, { expires: PAST })
    expect(() => manifest.checkRootExpiry(NOW)).toThrow(expect.objectContaining(expired('root.json')))
  })

  test('at the very moment it says', async () => {
    const state = await makeState(keys, { signed: { timestamp: { expires: new Date(NOW).toISOString() } } })
    await expect(follow(await trust(keys), state)).rejects.toMatchObject({ code: 'manifest/expired' })
    await follow(await trust(keys), state, NOW - 1)
  })
})

describe('time passes', () => {
  test('an unchanged timestamp that has expired is refused', async () => {
    const manifest = await trust(keys)
    const state = await makeState(keys, { signed: { timestamp: { expires: '2026-11-21T12:00:01Z' } } })
    await follow(manifest, state)
    await expect(manifest.acceptTimestamp(state.timestamp, NOW + 1000)).rejects.toMatchObject({
      code: 'manifest/expired',
      details: { file: 'timestamp.json' },
    })
  })

  test.each(FILES)('an unchanged timestamp does not prolong %s.json', async (role) => {
    const manifest = await trust(keys)
    await follow(manifest, await makeState(keys, { signed: { [role]: { expires: '2026-11-21T12:00:01Z' } } }))
    manifest.checkExpiry(NOW)
    expect(manifest.expiresAt).toBe(NOW + 1000)
    expect(() => manifest.checkExpiry(NOW + 1000)).toThrow(
      expect.objectContaining({
        code: 'manifest/expired',
        details: expect.objectContaining({ file: `${role}.json` }),
      }),
    )
  })
})

test('what was accepted once is reloaded whatever the time', async () => {
  const manifest = await trust(keys, { expires: PAST })
  const expires = { expires: PAST }
  const signed = { timestamp: expires, snapshot: expires, targets: expires, rollouts: expires }
  await follow(manifest, await makeState(keys, { signed }), 'at-rest')
  manifest.checkExpiry('at-rest')
  expect(await find(manifest, 'models/m.json')).toBeDefined()
})
