import {
  AfieldError,
  canonicalBytes,
  sha256,
  utf8,
  verifyThreshold,
  type Key,
  type MetaFile,
  type RoleKeys,
  type Root,
  type Signature,
  type Snapshot,
  type Targets,
  type Timestamp,
} from '@afield/protocol'
import type { SigningKey } from './key-file.js'

/** The TUF version whose file formats are written. */
export const SPEC_VERSION = '1.0.33'

const DAY_MS = 86_400_000

/** How long each role's metadata is valid, in ms. Timestamp and snapshot are renewed by every write. */
export const LIFETIME_MS = {
  root: 365 * DAY_MS,
  targets: 365 * DAY_MS,
  snapshot: 30 * DAY_MS,
  timestamp: 30 * DAY_MS,
} as const

export type Lifetime = keyof typeof LIFETIME_MS

/** The moment metadata expires, as TUF writes it: UTC, whole seconds. Delegated roles live as long as targets. */
export function expiryAt(role: Lifetime, now: Date): string {
  return `${new Date(now.getTime() + LIFETIME_MS[role]).toISOString().slice(0, 19)}Z`
}

/** True in the second half of a file's life: what no write of its own may renew in time is renewed then. */
export function isDue(role: Lifetime, { expires }: { readonly expires: string }, now: Date): boolean {
  return Date.parse(expires) - now.getTime() < LIFETIME_MS[role] / 2
}

export function earliest(moments: readonly string[]): string {
  return moments.reduce((first, next) => (Date.parse(next) < Date.parse(first) ? next : first))
}

export type Metadata = Root | Targets | Snapshot | Timestamp

/** Metadata on its way to a file: what it says, and who has signed it so far. */
export interface Signing<T extends Metadata = Metadata> {
  readonly signed: T
  readonly signatures: readonly Signature[]
}

/** Who must sign: so many of these keys. */
export interface Requirement {
  readonly role: RoleKeys
  readonly keys: Readonly<Record<string, Key>>
}

/** Adds the signature of each key that some requirement lists and that has not signed yet. */
export function addSignatures<T extends Metadata>(
  { signed, signatures }: Signing<T>,
  requirements: readonly Requirement[],
  keys: readonly SigningKey[],
): Signing<T> {
  const payload = canonicalBytes(signed)
  const wanted = keys.filter(
    ({ keyId }) =>
      requirements.some(({ role }) => role.keyids.includes(keyId)) &&
      !signatures.some(({ keyid }) => keyid === keyId),
  )
  const added = wanted.map((key) => ({ keyid: key.keyId, sig: key.sign(payload) }))
  return { signed, signatures: [...signatures, ...added] }
}

/** How many different keys of a role signed validly. */
export async function countValid(
  { signed, signatures }: Signing,
  { role, keys }: Requirement,
): Promise<number> {
  const verdicts = await Promise.all(
    role.keyids.map(async (keyid) => {
      const own = signatures.filter((signature) => signature.keyid === keyid)
      const one = { keyids: [keyid], threshold: 1 }
      return own.length > 0 && (await verifies({ signed, raw: signed, signatures: own }, one, keys))
    }),
  )
  return verdicts.filter(Boolean).length
}

async function verifies(...[envelope, role, keys]: Verification): Promise<boolean> {
  try {
    await verifyThreshold('metadata', envelope, role, keys)
    return true
  } catch (error) {
    if (error instanceof AfieldError && error.code === 'manifest/signature') return false
    throw error
  }
}

type Verification = [
  { readonly signed: Metadata; readonly raw: Metadata; readonly signatures: readonly Signature[] },
  RoleKeys,
  Readonly<Record<string, Key>>,
]

/** A metadata file. Without indentation: a device with a large catalogue's snapshot pays for every byte. */
export function metadataBytes({ signed, signatures }: Signing): Uint8Array<ArrayBuffer> {
  return utf8(`${JSON.stringify({ signatures, signed })}\n`)
}

/** How a file is named in the metadata above it. */
export async function metaOf(version: number, bytes: Uint8Array<ArrayBuffer>): Promise<MetaFile> {
  return { version, length: bytes.length, hashes: { sha256: await sha256(bytes) } }
}
