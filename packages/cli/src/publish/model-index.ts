import {
  AfieldError,
  MAX_INDEX_BYTES,
  jsonBytes,
  type Change,
  type ModelIndex,
  type ModelName,
  type Release,
  type Version,
} from '@afield/protocol'
import { CliError } from '../errors.js'
import type { Signed } from '../repository/read/documents.js'

/** @throws CliError `version/exists`: what a version is never changes, so that devices may keep it for ever. */
export function refuseExisting(index: ModelIndex | undefined, version: Version): void {
  if (!index?.versions[version]) return
  throw new CliError(
    'version/exists',
    `${index.name}@${version} is published already, and a version never changes. Give the new one a new number.`,
  )
}

/** The next index of a model: one version more, and the hash of the index it follows. */
export function extendIndex(
  name: ModelName,
  predecessor: Signed<ModelIndex> | undefined,
  version: Version,
  descriptor: Release['descriptor'],
  change: Change,
): Uint8Array<ArrayBuffer> {
  const before = predecessor?.document
  const index: ModelIndex = {
    ...before,
    format: 1,
    name,
    versions: { ...before?.versions, [version]: { descriptor, created: change.at } },
    ...(predecessor ? { predecessor: predecessor.sha256 } : {}),
    change,
  }
  const bytes = jsonBytes(index)
  if (bytes.length <= MAX_INDEX_BYTES) return bytes
  throw new AfieldError(
    'manifest/invalid',
    `The index of ${name} would be ${bytes.length} bytes, and devices accept ${MAX_INDEX_BYTES}.`,
  )
}
