import {
  AfieldError,
  SnapshotSchema,
  TimestampSchema,
  parseMetadata,
  type Snapshot,
  type Timestamp,
} from '@afield/protocol'
import { TIMESTAMP_PATH } from '../repository/files/layout.js'

const CONTENT_ORDER = [
  /^chunks\/[0-9a-f]{2}\/[0-9a-f]{64}$/,
  /^descriptors\/[0-9a-f]{64}\.json$/,
  /^targets\/.+$/,
] as const

/** The files named by their hash among paths: chunks, then descriptors, then indexes and rollouts. */
export function contentOf(paths: Iterable<string>): readonly (readonly string[])[] {
  const all = [...paths].sort()
  return CONTENT_ORDER.map((pattern) => all.filter((path) => pattern.test(path)))
}

/** The versions of a numbered file among paths, ascending. */
export function numbersOf(paths: Iterable<string>, role: 'snapshot' | 'root'): readonly number[] {
  const pattern = new RegExp(`^metadata/(\\d+)\\.${role}\\.json$`)
  return [...paths]
    .map((path) => Number(pattern.exec(path)?.[1] ?? 0))
    .filter((version) => version > 0)
    .sort((a, b) => a - b)
}

/** The paths of the roles that a snapshot names. */
export function rolesIn({ meta }: Snapshot): readonly string[] {
  return Object.entries(meta).map(([file, { version }]) => `metadata/${version}.${file}`)
}

/** `undefined` for none, and for what is no snapshot. */
export function asSnapshot(bytes: Uint8Array | undefined): Snapshot | undefined {
  return bytes && ifValid(() => parseMetadata(SnapshotSchema, bytes, 'snapshot.json').signed)
}

/** `undefined` for none, and for what is no timestamp: it serves nobody and is replaced. */
export function asTimestamp(bytes: Uint8Array | undefined): Timestamp | undefined {
  return bytes && ifValid(() => parseMetadata(TimestampSchema, bytes, TIMESTAMP_PATH).signed)
}

function ifValid<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch (error) {
    if (error instanceof AfieldError) return undefined
    throw error
  }
}
