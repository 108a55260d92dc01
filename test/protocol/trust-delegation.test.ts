import { TrustedManifest, delegatesFor, utf8 } from '@afield/protocol'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  NOW,
  delegationsTo,
  find,
  follow,
  makeKeyring,
  makeState,
  rootOf,
  trust,
  type Keyring,
} from './support/repository.js'
import { signedFile } from './support/signing.js'

let keys: Keyring

beforeAll(async () => {
  keys = await makeKeyring()
})

const HASHES = { sha256: 'a'.repeat(64) }

describe('delegation', () => {
  test('a role that nobody delegated to is refused, whoever signed it', async () => {
    const delegations = { keys: {}, roles: [] }
    const state = await makeState(keys, { signed: { targets: { delegations } } })
    const manifest = await trust(keys)
    await manifest.acceptTimestamp(state.timestamp, NOW)
    await manifest.acceptSnapshot(state.snapshot, NOW)
    await manifest.acceptTargets('targets', state.targets, NOW)
    await expect(manifest.acceptTargets('rollouts', state.rollouts, NOW)).rejects.toMatchObject({
      code: 'manifest/invalid',
      message: 'Nobody delegated to the role "rollouts".',
    })
  })

  test('a role that the snapshot does not list is refused', async () => {
    const state = await makeState(keys)
    const manifest = await trust(keys)
    await follow(manifest, state)
    await expect(manifest.acceptTargets('others', state.rollouts, NOW)).rejects.toMatchObject({
      code: 'manifest/invalid',
      message: 'others.json is not in the accepted snapshot.',
    })
  })

  test('a delegate speaks only for the paths it was given', async () => {
    const targets = {
      'rollouts/m.json': { length: 1, hashes: HASHES },
      'models/evil.json': { length: 1, hashes: HASHES },
    }
    const manifest = await trust(keys)
    await follow(manifest, await makeState(keys, { signed: { rollouts: { targets } } }))
    expect(await find(manifest, 'rollouts/m.json')).toBeDefined()
    expect(await find(manifest, 'models/evil.json')).toBeUndefined()
  })

  test('the targets themselves are asked before any delegate', async () => {
    const targets = { 'rollouts/m.json': { length: 77, hashes: HASHES } }
    const manifest = await trust(keys)
    await follow(manifest, await makeState(keys, { signed: { targets: { targets } } }))
    expect((await find(manifest, 'rollouts/m.json'))?.length).toBe(77)
  })

  test.each([
    ['rollouts/*.json', 'rollouts/m.json', true],
    ['rollouts/*.json', 'rollouts/a/b.json', false],
    ['rollouts/*.json', 'rollouts/mxjson', false],
    ['rollouts/?.json', 'rollouts/m.json', true],
    ['rollouts/?.json', 'rollouts/mm.json', false],
    ['*/m.json', 'rollouts/m.json', true],
    ['*', 'rollouts/m.json', false],
    ['rollouts/(m|n).json', 'rollouts/m.json', false],
  ])('the pattern %s and the path %s: %s', async (pattern, path, matches) => {
    const delegations = delegationsTo(keys.rollouts)
    const roles = delegations.roles.map((role) => ({ ...role, paths: [pattern] }))
    expect(await delegatesFor({ ...delegations, roles }, path)).toHaveLength(matches ? 1 : 0)
  })

  test('nobody is asked after a terminating role', async () => {
    const { keys: listed, roles } = delegationsTo(keys.rollouts)
    const after = roles.map((role) => ({ ...role, name: 'after' }))
    const namesAsked = async (terminating: boolean) => {
      const both = [...roles.map((role) => ({ ...role, terminating })), ...after]
      const asked = await delegatesFor({ keys: listed, roles: both }, 'rollouts/m.json')
      return asked.map(({ name }) => name)
    }
    expect(await namesAsked(true)).toEqual(['rollouts'])
    expect(await namesAsked(false)).toEqual(['rollouts', 'after'])
  })
})

describe('what is no metadata', () => {
  const invalid = (where: string) => ({ code: 'manifest/invalid', message: expect.stringContaining(where) })

  test.each(['2.0.0', '1', 'one', '10.0'])('is written for TUF %s', async (spec) => {
    const state = await makeState(keys, { signed: { timestamp: { spec_version: spec } } })
    await expect(follow(await trust(keys), state)).rejects.toMatchObject(
      invalid('another major version of TUF'),
    )
    const root = await signedFile({ ...rootOf(keys), spec_version: spec }, keys.root)
    await expect(TrustedManifest.fromRoot(root)).rejects.toMatchObject(
      invalid('another major version of TUF'),
    )
  })

  test.each<[string, Readonly<Record<string, unknown>>, string]>([
    ['has a fraction for a version', { version: 1.5 }, 'version'],
    ['has no version', { version: undefined }, 'version'],
    ['has version 0', { version: 0 }, 'version'],
    ['has a time that is none', { expires: 'tomorrow' }, 'expires'],
    ['names no snapshot', { meta: {} }, 'meta'],
    ['is of another role', { _type: 'snapshot' }, '_type'],
  ])('%s', async (_, changes, where) => {
    const { timestamp } = await makeState(keys)
    const { signatures, signed } = JSON.parse(new TextDecoder().decode(timestamp))
    const broken = utf8(JSON.stringify({ signatures, signed: { ...signed, ...changes } }))
    await expect((await trust(keys)).acceptTimestamp(broken, NOW)).rejects.toMatchObject(invalid(where))
  })

  test('holds a fraction somewhere, which cannot be signed', async () => {
    const { timestamp } = await makeState(keys)
    const { signatures, signed } = JSON.parse(new TextDecoder().decode(timestamp))
    const broken = utf8(JSON.stringify({ signatures, signed: { ...signed, 'x-share': 0.5 } }))
    await expect((await trust(keys)).acceptTimestamp(broken, NOW)).rejects.toMatchObject(
      invalid('not an integer'),
    )
  })

  test('is a web page', async () => {
    const page = utf8('<!doctype html><title>My app</title>')
    await expect(TrustedManifest.fromRoot(page)).rejects.toMatchObject(invalid('HTML'))
  })
})
