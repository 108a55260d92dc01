import { MAX_INDEX_BYTES, MAX_ROLLOUT_BYTES } from '@afield/protocol'
import type { Terms } from '../fetch-bytes.js'

/** Every limit on what a repository may send, in one place. Bytes, milliseconds or counts. */
export const LIMITS = {
  rootBytes: 512 * 1024,
  timestampBytes: 16 * 1024,
  snapshotBytes: 2 * 1024 * 1024,
  targetsBytes: 5 * 1024 * 1024,
  indexBytes: MAX_INDEX_BYTES,
  rolloutBytes: MAX_ROLLOUT_BYTES,
  /** Roots followed in one check. */
  rootRotations: 32,
  /** A metadata file that has not arrived whole by then is given up. */
  metadataTimeoutMs: 20_000,
  /** A chunk that has brought less than 16 KiB more for this long is given up. */
  stallTimeoutMs: 20_000,
} as const

/** A new root is looked for at most this often, unless a check fails without one. */
export const ROOT_PROBE_EVERY_MS = 24 * 60 * 60 * 1000

/** How a repository is asked for metadata and documents. */
export const METADATA: Terms = {
  unavailable: 'manifest/unavailable',
  tooLarge: 'manifest/too-large',
  floorBytes: Infinity,
  withinMs: LIMITS.metadataTimeoutMs,
}
