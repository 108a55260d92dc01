import { createPublicKey } from 'node:crypto'
import { toHex, type Key } from '@afield/protocol'
import fc from 'fast-check'
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { NOW, makeKeyring, makeState, rootOf, trust, type Keyring } from './support/repository.js'
import { makeEcdsaKey, makeKey, makeRsaKey, type TestKey } from './support/signing.js'

let keys: Keyring
const kinds: Record<string, TestKey> = {}

beforeAll(async () => {
  keys = await makeKeyring()
  kinds['Ed25519'] = await makeKey()
  kinds['ECDSA P-256'] = await makeEcdsaKey()
  kinds['RSA-PSS'] = await makeRsaKey()
})

afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

const kind = (name: string): TestKey => kinds[name] ?? keys.timestamp

/** What a device says that trusts these keys for the timestamp, as they are listed. */
async function accept(
  listed: readonly (readonly [id: string, key: Key])[],
  signers: readonly TestKey[],
  threshold = 1,
): Promise<unknown> {
  const root = rootOf(keys)
  const manifest = await trust(keys, {
    keys: { ...root.keys, ...Object.fromEntries(listed) },
    roles: { ...root.roles, timestamp: { keyids: listed.map(([id]) => id), threshold } },
  })
  const { timestamp } = await makeState(keys, { signers: { timestamp: signers } })
  return manifest.acceptTimestamp(timestamp, NOW)
}

const plain = (...some: readonly TestKey[]) => some.map(({ id, key }) => [id, key] as const)

describe.each(['Ed25519', 'ECDSA P-256', 'RSA-PSS'])('%s', (name) => {
  test('signs metadata', async () => {
    expect(await accept(plain(kind(name)), [kind(name)])).toBe('accepted')
  })

  test('counts beside keys of other kinds', async () => {
    const all = Object.values(kinds)
    expect(await accept(plain(...all), all, 3)).toBe('accepted')
  })

  test('is refused when the signature is of something else, cut, or of another kind', async () => {
    const key = kind(name)
    const { sig } = await key.sign({ other: 'content' })
    const der = toHex(Uint8Array.of(0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01))
    for (const bad of [sig, sig.slice(0, -2), sig.slice(2), '', '30', der, `${sig}00`, 'zz']) {
      const forger: TestKey = { ...key, sign: () => Promise.resolve({ keyid: key.id, sig: bad }) }
      await expect(accept(plain(key), [forger])).rejects.toMatchObject({ code: 'manifest/signature' })
    }
  })

  test('may have any text for an id', async () => {
    const id = '../the first key?'
    const key = kind(name)
    const named = {
      ...key,
      id,
      sign: async (signed: unknown) => ({ ...(await key.sign(signed)), keyid: id }),
    }
    expect(await accept(plain(named), [named])).toBe('accepted')
  })
})

test('signatures of ECDSA are read whatever zeros their numbers begin with', async () => {
  const key = kind('ECDSA P-256')
  const property = fc.asyncProperty(fc.string(), async (note) => {
    const signed = { note }
    const root = rootOf(keys)
    const manifest = await trust(keys, {
      keys: { ...root.keys, ...Object.fromEntries(plain(key)) },
      roles: { ...root.roles, timestamp: { keyids: [key.id], threshold: 1 } },
    })
    const { timestamp } = await makeState(keys, {
      signers: { timestamp: [key] },
      signed: { timestamp: signed },
    })
    expect(await manifest.acceptTimestamp(timestamp, NOW)).toBe('accepted')
  })
  // One signature in 128 or so has a short number.
  await fc.assert(property, { numRuns: 400 })
})

test('RSA-PSS with another salt length is refused', async () => {
  const key = await makeRsaKey(20)
  await expect(accept(plain(key), [key])).rejects.toMatchObject({ code: 'manifest/signature' })
})

describe('one key in two spellings counts once', () => {
  test.each<[string, string, (pem: string) => string]>([
    ['with other line ends', 'ECDSA P-256', (pem) => pem.replaceAll('\n', '\r\n')],
    ['in one line', 'RSA-PSS', (pem) => pem.replaceAll(/(?<!-)\n(?!-)/g, '')],
    [
      'as a bare point',
      'ECDSA P-256',
      (pem) => toHex(createPublicKey(pem).export({ type: 'spki', format: 'der' }).subarray(-65)),
    ],
  ])('%s (%s)', async (_, name, spell) => {
    const key = kind(name)
    const id = 'twin'
    const again: Key = { ...key.key, keyval: { public: spell(key.key.keyval.public) } }
    const twin: TestKey = {
      id,
      key: again,
      sign: async (signed) => ({ ...(await key.sign(signed)), keyid: id }),
    }
    // The other spelling is understood, so it is for its sameness that it does not count.
    expect(await accept(plain(twin), [twin])).toBe('accepted')
    await expect(accept(plain(key, twin), [key, twin], 2)).rejects.toMatchObject({
      code: 'manifest/signature',
      details: { valid: 1, threshold: 2 },
    })
  })
})

describe('keys of kinds that nobody here knows', () => {
  const strangers: readonly Key[] = [
    { keytype: 'ml-dsa', scheme: 'ml-dsa-65', keyval: { public: 'ab' } },
    { keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp384', keyval: { public: 'ab' } },
    { keytype: 'rsa', scheme: 'rsa-pkcs1v15-sha256', keyval: { public: 'ab' } },
    { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: 'not hex' } },
    {
      keytype: 'ecdsa',
      scheme: 'ecdsa-sha2-nistp256',
      keyval: { public: '-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----' },
    },
    { keytype: 'sigstore-oidc', scheme: 'Fulcio', keyval: { identity: 'somebody' } } as unknown as Key,
  ]
  const listed = strangers.map((key, i) => [`stranger-${i}`, key] as const)
  const signers = listed.map(([id, key]) => ({
    id,
    key,
    sign: () => Promise.resolve({ keyid: id, sig: 'ab' }),
  }))

  test('do no harm', async () => {
    expect(await accept([...listed, ...plain(keys.timestamp)], [...signers, keys.timestamp])).toBe('accepted')
  })

  test('and count for nothing', async () => {
    await expect(accept(listed, signers)).rejects.toMatchObject({
      code: 'manifest/signature',
      details: { valid: 0 },
    })
  })
})

describe('a page that can verify nothing', () => {
  test('says so', async () => {
    const manifest = await trust(keys)
    const { timestamp } = await makeState(keys)
    // What a page that came over plain http sees: WebCrypto without its operations.
    vi.stubGlobal('crypto', { getRandomValues: () => new Uint8Array() })
    await expect(manifest.acceptTimestamp(timestamp, NOW)).rejects.toMatchObject({
      code: 'platform/unsupported',
      message: expect.stringContaining('Open it over https or on localhost'),
    })
  })

  test('goes by the signature that it can verify', async () => {
    const importKey = crypto.subtle.importKey.bind(crypto.subtle) as (
      ...args: unknown[]
    ) => Promise<CryptoKey>
    // No platform that these tests run on lacks one of the kinds.
    vi.spyOn(crypto.subtle, 'importKey').mockImplementation((...args: unknown[]) =>
      (args[2] as { readonly name: string }).name === 'RSA-PSS'
        ? Promise.reject(new DOMException('Not here.', 'NotSupportedError'))
        : importKey(...args),
    )
    const [rsa, ecdsa] = [kind('RSA-PSS'), kind('ECDSA P-256')]
    expect(await accept(plain(rsa, ecdsa), [rsa, ecdsa])).toBe('accepted')
    await expect(accept(plain(rsa, ecdsa), [rsa])).rejects.toMatchObject({ code: 'platform/unsupported' })
    const { sig } = await ecdsa.sign('something else')
    const forger: TestKey = { ...ecdsa, sign: () => Promise.resolve({ keyid: ecdsa.id, sig }) }
    // A wrong signature is no matter of the platform.
    await expect(accept(plain(rsa, ecdsa), [rsa, forger])).rejects.toMatchObject({
      code: 'manifest/signature',
    })
  })
})
