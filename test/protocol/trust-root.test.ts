import { TrustedManifest } from '@afield/protocol'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  follow,
  makeKeyring,
  makeState,
  roleOf,
  rootOf,
  trust,
  type Bytes,
  type Keyring,
} from './support/repository.js'
import { makeKey, signedFile } from './support/signing.js'

let keys: Keyring
let manifest: TrustedManifest

beforeAll(async () => {
  keys = await makeKeyring()
})

beforeEach(async () => {
  manifest = await trust(keys)
})

/** The root after this one, with the keys of this ring, signed by old and new. */
const nextRoot = (next: Keyring, version = 2): Promise<Bytes> =>
  signedFile(rootOf(next, { version }), ...new Set([keys.root, next.root]))

describe('a new root', () => {
  test('is believed when old and new keys signed it', async () => {
    const next = await makeKeyring()
    await manifest.acceptRoot(await nextRoot(next))
    expect(manifest.rootVersion).toBe(2)
    await follow(manifest, await makeState(next))
    await expect(follow(manifest, await makeState(keys))).rejects.toMatchObject({
      code: 'manifest/signature',
    })
  })

  test('is followed step by step', async () => {
    const [second, third] = [await makeKeyring(), await makeKeyring()]
    await manifest.acceptRoot(await nextRoot(second))
    await manifest.acceptRoot(await signedFile(rootOf(third, { version: 3 }), second.root, third.root))
    expect(manifest.rootVersion).toBe(3)
    await follow(manifest, await makeState(third))
  })

  test.each([1, 3, 4])('is refused with version %d after version 1', async (version) => {
    await expect(manifest.acceptRoot(await nextRoot(keys, version))).rejects.toMatchObject({
      code: 'manifest/rollback',
      details: { file: 'root.json', version, held: 2 },
    })
    expect(manifest.rootVersion).toBe(1)
  })

  test('is refused when the old keys did not sign it', async () => {
    const next = await makeKeyring()
    const root = await signedFile(rootOf(next, { version: 2 }), next.root)
    await expect(manifest.acceptRoot(root)).rejects.toMatchObject({ code: 'manifest/signature' })
  })

  test('is refused when the new keys did not sign it', async () => {
    const next = await makeKeyring()
    const root = await signedFile(rootOf(next, { version: 2 }), keys.root)
    await expect(manifest.acceptRoot(root)).rejects.toMatchObject({ code: 'manifest/signature' })
  })

  test('needs the threshold of the old root, not of its own', async () => {
    const second = await makeKey()
    const root = rootOf(keys)
    const strict = {
      keys: { ...root.keys, [second.id]: second.key },
      roles: { ...root.roles, root: { ...roleOf(keys.root, second), threshold: 2 } },
    }
    const device = await TrustedManifest.fromRoot(await signedFile(rootOf(keys, strict), keys.root, second))
    await expect(device.acceptRoot(await nextRoot(keys))).rejects.toMatchObject({
      code: 'manifest/signature',
      details: { valid: 1, threshold: 2 },
    })
    await device.acceptRoot(await signedFile(rootOf(keys, { version: 2 }), keys.root, second))
  })
})

describe('a fast-forward attack', () => {
  const FAST = { timestamp: 2 ** 40, snapshot: 2 ** 40, targets: 1, rollouts: 1 }

  test.each(['timestamp', 'snapshot'] as const)('is recovered from by a new %s key', async (role) => {
    await follow(manifest, await makeState(keys, { versions: FAST }))
    const next = { ...keys, [role]: await makeKey() }
    await expect(follow(manifest, await makeState(next))).rejects.toThrow(/valid signature|An old copy/)
    await manifest.acceptRoot(await nextRoot(next))
    await follow(manifest, await makeState(next))
    expect(manifest).toMatchObject({ timestampVersion: 1, version: 1 })
  })

  test('is not, while the keys stay', async () => {
    await follow(manifest, await makeState(keys, { versions: FAST }))
    await manifest.acceptRoot(await nextRoot({ ...keys, targets: await makeKey() }))
    await expect(follow(manifest, await makeState(keys))).rejects.toMatchObject({ code: 'manifest/rollback' })
  })
})
