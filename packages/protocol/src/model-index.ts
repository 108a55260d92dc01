import * as v from 'valibot'
import {
  ModelNameSchema,
  Sha256Schema,
  VersionSchema,
  compareVersions,
  isPrerelease,
  type Version,
} from './ids.js'
import { parseJsonWith } from './parse.js'
import { moment, positive, text } from './primitives.js'

export const MAX_INDEX_BYTES = 512 * 1024

/** Who changed a signed document, when, and why: the audit trail. */
export const ChangeSchema = v.object({
  author: text(1, 200),
  reason: text(1, 1000),
  at: moment,
})
export type Change = v.InferOutput<typeof ChangeSchema>

const ReleaseSchema = v.object({
  descriptor: v.object({ sha256: Sha256Schema, size: positive }),
  created: moment,
  revoked: v.optional(ChangeSchema),
})
export type Release = v.InferOutput<typeof ReleaseSchema>

/**
 * The model index, `models/<name>.json`: every version of a model and the hash of its descriptor. Signed by the
 * release key, so nothing that it does not list can ever run.
 */
const ModelIndexSchema = v.object({
  format: v.literal(1),
  name: ModelNameSchema,
  versions: v.record(VersionSchema, ReleaseSchema),
  minVersion: v.optional(VersionSchema),
  predecessor: v.optional(Sha256Schema),
  change: ChangeSchema,
})
export type ModelIndex = v.InferOutput<typeof ModelIndexSchema>

/** @throws AfieldError `manifest/invalid`, also when the index speaks of another model. */
export function parseModelIndex(bytes: Uint8Array, name: string): ModelIndex {
  const file = `models/${name}.json`
  return parseJsonWith(
    v.pipe(
      ModelIndexSchema,
      v.check((index) => index.name === name, 'it is of another model'),
    ),
    bytes,
    'manifest/invalid',
    file,
  )
}

/** Versions that may run at all (neither revoked nor below `minVersion`), newest first. */
export function runnableVersions(index: ModelIndex): readonly Version[] {
  return (Object.keys(index.versions) as Version[])
    .filter((version) => !index.versions[version]?.revoked)
    .filter((version) => !index.minVersion || compareVersions(version, index.minVersion) >= 0)
    .sort((a, b) => compareVersions(b, a))
}

/** The version that `latest` means: the highest runnable release, pre-releases aside. */
export function latestVersion(index: ModelIndex): Version | undefined {
  return runnableVersions(index).find((version) => !isPrerelease(version))
}
