import { constants, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { canonicalBytes, jsonBytes, keyIdOf, toHex, type Key, type Signature } from '@afield/protocol'

/** A key pair that signs metadata. */
export interface TestKey {
  readonly id: string
  readonly key: Key
  sign(signed: unknown): Promise<Signature>
}

/** Ed25519. */
export async function makeKey(): Promise<TestKey> {
  const { privateKey, publicKey } = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])
  const raw = new Uint8Array(await crypto.subtle.exportKey('raw', publicKey))
  const key: Key = { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: toHex(raw) } }
  const id = await keyIdOf(key)
  return {
    id,
    key,
    sign: async (signed) => {
      const signature = await crypto.subtle.sign('Ed25519', privateKey, canonicalBytes(signed))
      return { keyid: id, sig: toHex(new Uint8Array(signature)) }
    },
  }
}

/** ECDSA on P-256: signatures in DER, the public key in PEM. */
export function makeEcdsaKey(): Promise<TestKey> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return pemKey('ecdsa', 'ecdsa-sha2-nistp256', privateKey, (bytes) => sign('sha256', bytes, privateKey))
}

/** RSA-PSS with SHA-256 and a salt of 32 bytes. */
export function makeRsaKey(saltLength = 32): Promise<TestKey> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const padding = constants.RSA_PKCS1_PSS_PADDING
  return pemKey('rsa', 'rsassa-pss-sha256', privateKey, (bytes) =>
    sign('sha256', bytes, { key: privateKey, padding, saltLength }),
  )
}

async function pemKey(
  keytype: string,
  scheme: string,
  privateKey: KeyObject,
  signBytes: (bytes: Uint8Array) => Uint8Array,
): Promise<TestKey> {
  const pem = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString()
  const key: Key = { keytype, scheme, keyval: { public: pem } }
  const id = await keyIdOf(key)
  return {
    id,
    key,
    sign: (signed) => Promise.resolve({ keyid: id, sig: toHex(signBytes(canonicalBytes(signed))) }),
  }
}

/** A metadata file as it lies in a repository. */
export async function signedFile(
  signed: unknown,
  ...keys: readonly TestKey[]
): Promise<Uint8Array<ArrayBuffer>> {
  return jsonBytes({ signatures: await Promise.all(keys.map((key) => key.sign(signed))), signed })
}
