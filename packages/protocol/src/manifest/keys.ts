import { AfieldError } from '../errors.js'
import { sha256 } from '../bytes.js'
import { canonicalBytes } from './canonical.js'
import { own } from './checks.js'
import { importKey } from './public-key.js'
import type { Envelope, Key, RoleKeys } from './metadata.js'

/** The id that Afield gives a key: the hash of its canonical form. Devices take any text for an id (clause 4.2). */
export async function keyIdOf(key: Key): Promise<string> {
  return sha256(canonicalBytes(key))
}

/**
 * Checks that enough different keys of a role signed a file (TUF clause 5.3.4 and its like). Signatures that are not
 * the role's, or of kinds that nobody here knows, do not count and do no harm.
 *
 * @throws AfieldError `manifest/signature` below the threshold; `platform/unsupported` when it is not met because
 *   this browser can verify none of the signatures.
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
      const listed = role.keyids.includes(keyid) ? own(keys, keyid) : undefined
      const key = listed ? await importKey(listed) : 'unknown'
      if (typeof key === 'string') return { key }
      return { signer: (await key.verifies(sig, payload)) ? await key.identity() : undefined }
    }),
  )
  // A key that is listed under two ids, or spelt in two ways, counts once.
  const valid = new Set(verdicts.flatMap(({ signer }) => signer ?? [])).size
  if (valid >= role.threshold) return
  const unsupported = verdicts.some(({ key }) => key === 'unsupported')
  if (unsupported && verdicts.every(({ key, signer }) => key ?? signer)) {
    throw new AfieldError(
      'platform/unsupported',
      'This page can verify none of the signatures of the manifest (Ed25519, ECDSA P-256 or RSA-PSS). Open it over ' +
        'https or on localhost; if it is, update the browser.',
    )
  }
  throw new AfieldError(
    'manifest/signature',
    `${file} has ${valid} valid signature(s) of the ${role.threshold} its role needs. ` +
      'Check that the app bundles the root.json of this repository.',
    { details: { file, valid, threshold: role.threshold } },
  )
}
