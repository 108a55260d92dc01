import { AfieldError, type ErrorCode } from '../errors.js'
import { sha256, toHex } from '../bytes.js'
import { expiryOf, type Hashes } from './metadata.js'

/** The moment a decision is made at, in ms since 1970; `at-rest` when what was accepted once is only reloaded. */
export type Reference = number | 'at-rest'

/** What a record says of a key, and never what every object says of it. */
export function own<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined
}

/** What metadata says of a file. */
interface Promised {
  readonly length?: number | undefined
  readonly hashes?: Hashes | undefined
}

/** Whether bytes have the length and the hashes that were signed; not when there are hashes and none of a known kind. */
export async function isAsPromised(
  bytes: Uint8Array<ArrayBuffer>,
  { length = bytes.length, hashes }: Promised,
): Promise<boolean> {
  return bytes.length === length && (!hashes || hasHashes(bytes, hashes))
}

/**
 * Checks downloaded bytes against their promised length and hashes.
 *
 * @throws AfieldError `manifest/hash-mismatch`, also when there are hashes and none of a known kind.
 */
export async function checkBytes(
  file: string,
  bytes: Uint8Array<ArrayBuffer>,
  expected: Promised,
): Promise<void> {
  if (await isAsPromised(bytes, expected)) return
  throw notAsSigned('manifest/hash-mismatch', file, bytes.length)
}

/** The error for bytes that are not those whose hash or length was signed. */
export function notAsSigned(code: ErrorCode, file: string, bytes: number): AfieldError {
  return new AfieldError(
    code,
    `${file} is not what was signed (${bytes} bytes came): it was cut, changed or cached wrongly on the way. It is ` +
      'tried again at the next check.',
    { details: { file, bytes } },
  )
}

async function hasHashes(
  bytes: Uint8Array<ArrayBuffer>,
  { sha256: short, sha512: long }: Hashes,
): Promise<boolean> {
  if (short === undefined && long === undefined) return false
  if (short !== undefined && (await sha256(bytes)) !== short) return false
  return long === undefined || toHex(new Uint8Array(await crypto.subtle.digest('SHA-512', bytes))) === long
}

export function checkVersion(file: string, version: number, expected: number): void {
  if (version === expected) return
  throw new AfieldError(
    'manifest/invalid',
    `${file} says version ${version} where ${expected} was promised: parts of two publishes are mixed.`,
    { details: { file, version, expected } },
  )
}

export function checkExpiry(
  file: string,
  metadata: { readonly expires: string },
  reference: Reference,
): void {
  if (reference === 'at-rest' || expiryOf(metadata) > reference) return
  throw new AfieldError(
    'manifest/expired',
    `${file} expired at ${metadata.expires}. What is on the device keeps serving; ` +
      'any publish or rollout command refreshes it.',
    { details: { file, expires: metadata.expires } },
  )
}

export function rollback(file: string, version: number, held: number): AfieldError {
  return new AfieldError(
    'manifest/rollback',
    `${file} went from version ${held} to ${version}. An old copy was served; it is ignored.`,
    { details: { file, version, held } },
  )
}
