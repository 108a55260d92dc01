import { canonicalBytes, jsonBytes, keyIdOf, toHex, type Key, type Signature } from '@afield/protocol'

/** An Ed25519 key pair that signs metadata. */
export interface TestKey {
  readonly id: string
  readonly key: Key
  sign(signed: unknown): Promise<Signature>
}

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

/** A metadata file as it lies in a repository. */
export async function signedFile(
  signed: unknown,
  ...keys: readonly TestKey[]
): Promise<Uint8Array<ArrayBuffer>> {
  return jsonBytes({ signatures: await Promise.all(keys.map((key) => key.sign(signed))), signed })
}
