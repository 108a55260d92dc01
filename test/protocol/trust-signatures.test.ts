import { TrustedManifest, jsonBytes, parseJson, toHex, utf8, type Root } from '@afield/protocol'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  NOW,
  delegationsTo,
  follow,
  makeKeyring,
  makeState,
  roleOf,
  rootOf,
  trust,
  type Bytes,
  type Keyring,
  type State,
} from './support/repository.js'
import { makeKey, signedFile, type TestKey } from './support/signing.js'

let keys: Keyring

beforeAll(async () => {
  keys = await makeKeyring()
})

const refused = (file: string, valid = 0, threshold = 1) => ({
  code: 'manifest/signature',
  message: expect.stringMatching(/Check that the app bundles the root\.json of this repository/),
  details: { file, valid, threshold },
})

const FILES: readonly (keyof State)[] = ['timestamp', 'snapshot', 'targets', 'rollouts']

describe('refused', () => {
  test.each(FILES)('%s.json that a stranger signed', async (role) => {
    const state = await makeState(keys, { signers: { [role]: [await makeKey()] } })
    await expect(follow(await trust(keys), state)).rejects.toMatchObject(refused(`${role}.json`))
  })

  test.each([
    ['timestamp', 'snapshot'],
    ['snapshot', 'timestamp'],
    ['targets', 'rollouts'],
    ['rollouts', 'targets'],
    ['timestamp', 'root'],
  ] as const)("%s.json signed with the %s role's key", async (role, other) => {
    const state = await makeState(keys, { signers: { [role]: [keys[other]] } })
    await expect(follow(await trust(keys), state)).rejects.toMatchObject(refused(`${role}.json`))
  })

  test('a file that was changed after it was signed', async () => {
    const { timestamp } = await makeState(keys)
    const changed = edit(timestamp, (file) => (file.signed['expires'] = '2030-01-01T00:00:00Z'))
    await expect((await trust(keys)).acceptTimestamp(changed, NOW)).rejects.toMatchObject(
      refused('timestamp.json'),
    )
  })

  test.each<[string, (sig: string) => string]>([
    ['one bit turned', (sig) => sig.replace(/^./, (digit) => toHexDigit(Number.parseInt(digit, 16) ^ 1))],
    ['cut short', (sig) => sig.slice(0, -2)],
    ['no hex', (sig) => `zz${sig.slice(2)}`],
    ['empty', () => ''],
  ])('a signature that is %s', async (_, spoil) => {
    const { timestamp } = await makeState(keys)
    const spoilt = edit(timestamp, ({ signatures }) =>
      signatures.forEach((one) => (one.sig = spoil(one.sig))),
    )
    await expect((await trust(keys)).acceptTimestamp(spoilt, NOW)).rejects.toMatchObject(
      refused('timestamp.json'),
    )
  })

  test('a file that nobody signed', async () => {
    const state = await makeState(keys, { signers: { timestamp: [] } })
    await expect(follow(await trust(keys), state)).rejects.toMatchObject(refused('timestamp.json'))
  })

  test("a right signature under another key's id", async () => {
    const stranger = await makeKey()
    const forged: TestKey = {
      ...keys.timestamp,
      sign: async (signed) => ({ ...(await stranger.sign(signed)), keyid: keys.timestamp.id }),
    }
    const state = await makeState(keys, { signers: { timestamp: [forged] } })
    await expect(follow(await trust(keys), state)).rejects.toMatchObject(refused('timestamp.json'))
  })

  test('a root that its own key did not sign', async () => {
    const root = await signedFile(rootOf(keys), keys.targets)
    await expect(TrustedManifest.fromRoot(root)).rejects.toMatchObject(refused('root.json'))
  })

  test('a key of another kind, whatever it signs', async () => {
    const rsa = { ...keys.timestamp.key, keytype: 'rsa', scheme: 'rsassa-pss-sha256' }
    const root = rootOf(keys)
    const manifest = await trust(keys, { keys: { ...root.keys, [keys.timestamp.id]: rsa } })
    await expect(follow(manifest, await makeState(keys))).rejects.toMatchObject(refused('timestamp.json'))
  })
})

describe('a threshold of two', () => {
  let second: TestKey
  let twoOfTwo: Partial<Root>

  beforeAll(async () => {
    second = await makeKey()
    const root = rootOf(keys)
    twoOfTwo = {
      keys: { ...root.keys, [second.id]: second.key },
      roles: { ...root.roles, timestamp: { ...roleOf(keys.timestamp, second), threshold: 2 } },
    }
  })

  const accept = async (...signers: readonly TestKey[]): Promise<unknown> => {
    const { timestamp } = await makeState(keys, { signers: { timestamp: signers } })
    return (await trust(keys, twoOfTwo)).acceptTimestamp(timestamp, NOW)
  }

  test('is met by two keys', async () => {
    expect(await accept(keys.timestamp, second)).toBe('accepted')
  })

  test('is met whatever else is signed along', async () => {
    expect(await accept(await makeKey(), keys.timestamp, keys.root, second)).toBe('accepted')
  })

  test('is not met by one', async () => {
    await expect(accept(keys.timestamp)).rejects.toMatchObject(refused('timestamp.json', 1, 2))
  })

  test('is not met by one that signs twice', async () => {
    await expect(accept(keys.timestamp, keys.timestamp)).rejects.toMatchObject({
      code: 'manifest/invalid',
      message: expect.stringContaining('one key signed twice'),
    })
  })

  test.each([
    ['as it is', (hex: string) => hex],
    ['in capitals', (hex: string) => hex.toUpperCase()],
  ])('is not met by one that is listed twice, %s', async (_, spell) => {
    const id = 'f'.repeat(64)
    const again = { ...keys.timestamp.key, keyval: { public: spell(keys.timestamp.key.keyval.public) } }
    const root = rootOf(keys)
    const manifest = await trust(keys, {
      keys: { ...root.keys, [id]: again },
      roles: { ...root.roles, timestamp: { keyids: [keys.timestamp.id, id], threshold: 2 } },
    })
    const twin: TestKey = {
      ...keys.timestamp,
      sign: async (signed) => ({ ...(await keys.timestamp.sign(signed)), keyid: id }),
    }
    const { timestamp } = await makeState(keys, { signers: { timestamp: [keys.timestamp, twin] } })
    await expect(manifest.acceptTimestamp(timestamp, NOW)).rejects.toMatchObject(
      refused('timestamp.json', 1, 2),
    )
  })

  test('holds for a delegated role too', async () => {
    const delegations = delegationsTo(keys.rollouts, second)
    const strict = { ...delegations, roles: delegations.roles.map((role) => ({ ...role, threshold: 2 })) }
    const one = await makeState(keys, { signed: { targets: { delegations: strict } } })
    await expect(follow(await trust(keys), one)).rejects.toMatchObject(refused('rollouts.json', 1, 2))
    const both = await makeState(keys, {
      signed: { targets: { delegations: strict } },
      signers: { rollouts: [keys.rollouts, second] },
    })
    await follow(await trust(keys), both)
  })
})

test('a file that only looks signed is no metadata', async () => {
  await expect((await trust(keys)).acceptTimestamp(utf8('{"signed":{}}'), NOW)).rejects.toMatchObject({
    code: 'manifest/invalid',
  })
})

interface MetadataFile {
  readonly signatures: { keyid: string; sig: string }[]
  readonly signed: Record<string, unknown>
}

function edit(bytes: Bytes, change: (file: MetadataFile) => void): Bytes {
  const file = parseJson(bytes, 'manifest/invalid', 'file') as MetadataFile
  change(file)
  return jsonBytes(file)
}

function toHexDigit(nibble: number): string {
  return toHex(Uint8Array.of(nibble)).slice(1)
}
