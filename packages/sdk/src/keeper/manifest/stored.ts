import * as v from 'valibot'

/** Bytes as they were accepted. They are verified again, from the bundled root, whenever they are read. */
const bytes = v.custom<Uint8Array<ArrayBuffer>>((value) => value instanceof Uint8Array, 'not bytes')

const StoredManifestSchema = v.object({
  /** Roots after the bundled one, in the order of their versions. */
  roots: v.array(bytes),
  timestamp: bytes,
  snapshot: bytes,
  /** Targets files by role. */
  roles: v.record(v.string(), bytes),
  /** Model indexes and rollouts by path, of the models this device uses. */
  documents: v.record(v.string(), bytes),
  /** When the repository last confirmed that this is its newest state, in ms since 1970. */
  checkedAt: v.number(),
  rootProbedAt: v.number(),
})

/** What a device keeps of a repository: one record, so that it changes as a whole. */
export type StoredManifest = v.InferOutput<typeof StoredManifestSchema>

/** The record if it has the right shape; `undefined` when there is none or somebody else wrote there. */
export function readStoredManifest(value: unknown): StoredManifest | undefined {
  const result = v.safeParse(StoredManifestSchema, value)
  return result.success ? result.output : undefined
}
