import { AfieldError } from '../errors.js'
import { fromHex, sha256 } from '../bytes.js'
import { canonicalBytes } from './canonical.js'
import type { Envelope, Key, RoleKeys } from './metadata.js'

/** A key's id is the hash of its canonical form, as the reference implementation computes it. */
export async function keyIdOf(key: Key): Promise<string> {
  return sha256(canonicalBytes(key))
}

/**
 * Checks that enough different keys of a role signed a file (TUF clause 5.3.4 and its like).
 *
 * @throws AfieldError `manifest/signature` below the threshold; `platform/unsupported` when this browser can
 *   verify none of the role's keys.
 */
export async function verifyThreshold(
  file: string,
  envelope: Envelope<unknown>,
  role: RoleKeys,
  keys: Readonly<Record<string, Key>>,
): Promise<void> {
  const payload = canonicalBytes(envelope.raw)
  const verdicts = await Promise.all(
    envelope.signatures.map(async ({ keyid, sig }) => {
      const key = role.keyids.includes(keyid) ? keys[keyid] : undefined
      return { key, verdict: key ? await verifySignature(key, sig, payload) : 'invalid' } as const
    }),
  )
  // A key that signs twice, or is listed under two ids, counts once.
  const signers = new Set(
    verdicts.flatMap(({ key, verdict }) =>
      key && verdict === 'valid' ? [key.keyval.public.toLowerCase()] : [],
    ),
  )
  const valid = signers.size
  if (valid >= role.threshold) return
  if (verdicts.some(({ verdict }) => verdict === 'unsupported')) {
    throw new AfieldError(
      'platform/unsupported',
      'This page cannot verify Ed25519 signatures, so it cannot trust the manifest. Open it over https or on ' +
        'localhost; if it is, update the browser.',
    )
  }
  throw new AfieldError(
    'manifest/signature',
    `${file} has ${valid} valid signature(s) of the ${role.threshold} its role needs. ` +
      'Check that the app bundles the root.json of this repository.',
    { details: { file, valid, threshold: role.threshold } },
  )
}

async function verifySignature(
  key: Key,
  signature: string,
  payload: Uint8Array<ArrayBuffer>,
): Promise<'valid' | 'invalid' | 'unsupported'> {
  if (key.keytype !== 'ed25519' || key.scheme !== 'ed25519') return 'invalid'
  const publicBytes = fromHex(key.keyval.public)
  const signatureBytes = fromHex(signature)
  if (publicBytes?.length !== 32 || signatureBytes?.length !== 64) return 'invalid'
  // Browsers hide WebCrypto from pages that came over plain http.
  if (!(globalThis.crypto as Crypto | undefined)?.subtle) return 'unsupported'
  let publicKey: CryptoKey
  try {
    publicKey = await crypto.subtle.importKey('raw', publicBytes, 'Ed25519', false, ['verify'])
  } catch (error) {
    if (error instanceof DOMException && error.name === 'NotSupportedError') return 'unsupported'
    return 'invalid'
  }
  return (await crypto.subtle.verify('Ed25519', publicKey, signatureBytes, payload)) ? 'valid' : 'invalid'
}
