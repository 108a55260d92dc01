import {
  canonicalBytes,
  jsonBytes,
  sha256,
  type MetaFile,
  type RoleKeys,
  type Root,
  type Snapshot,
  type Targets,
  type Timestamp,
} from '@afield/protocol'
import { CliError } from '../errors.js'
import type { Signer } from './keys.js'

/** The TUF version whose file formats are written. */
export const SPEC_VERSION = '1.0.33'

const DAY_MS = 86_400_000

/** How long each role's metadata is valid, in ms. Timestamp and snapshot are renewed by every write. */
export const LIFETIME_MS = {
  root: 365 * DAY_MS,
  targets: 365 * DAY_MS,
  rollouts: 365 * DAY_MS,
  snapshot: 30 * DAY_MS,
  timestamp: 30 * DAY_MS,
} as const

/** The moment metadata of a role expires, as TUF writes it: UTC, whole seconds. */
export function expiryAt(role: keyof typeof LIFETIME_MS, now: Date): string {
  return `${new Date(now.getTime() + LIFETIME_MS[role]).toISOString().slice(0, 19)}Z`
}

/**
 * A metadata file: what is signed, and the signature.
 *
 * @throws CliError `keys/wrong` when the role is not this key's.
 */
export function signMetadata(
  signed: Root | Targets | Snapshot | Timestamp,
  role: RoleKeys,
  signer: Signer,
): Uint8Array<ArrayBuffer> {
  if (!role.keyids.includes(signer.keyId)) {
    throw new CliError(
      'keys/wrong',
      `The ${signer.name} key is not the one that this repository trusts for its ${signed._type} metadata. ` +
        'Is --keys the folder that was made with this repository?',
    )
  }
  const sig = signer.sign(canonicalBytes(signed))
  return jsonBytes({ signatures: [{ keyid: signer.keyId, sig }], signed })
}

/** How a file is named in the metadata above it. */
export async function metaOf(version: number, bytes: Uint8Array<ArrayBuffer>): Promise<MetaFile> {
  return { version, length: bytes.length, hashes: { sha256: await sha256(bytes) } }
}
