import {
  TargetsSchema,
  binNames,
  checkBytes,
  parseMetadata,
  roleKeysOf,
  verifyThreshold,
  type Snapshot,
  type Targets,
} from '@afield/protocol'
import type { RepositoryFiles } from '../files/files.js'
import { missingPart } from '../files/missing-part.js'
import { metadataPath } from '../files/layout.js'
import type { Requirement } from '../keys/sign.js'

/** Whom targets metadata lets sign for a role; `undefined` when it delegates nothing to it. */
export function delegationTo({ delegations }: Targets, name: string): Requirement | undefined {
  const role = delegations && roleKeysOf(delegations, name)
  return role && { role, keys: delegations.keys }
}

/** Every role that targets metadata delegates to. */
export function delegatesOf({ delegations }: Targets): readonly string[] {
  const bins = delegations?.succinct_roles
  return [...(delegations?.roles ?? []).map(({ name }) => name), ...(bins ? binNames(bins) : [])]
}

/**
 * Reads a delegated role as a snapshot names it, verified.
 *
 * @throws AfieldError `manifest/…`.
 */
export async function readDelegated(
  files: RepositoryFiles,
  snapshot: Snapshot,
  name: string,
  { role, keys }: Requirement,
): Promise<Targets> {
  const meta = snapshot.meta[`${name}.json`]
  const path = metadataPath(name, meta?.version ?? 0)
  const bytes = meta && (await files.read(path))
  if (!bytes) throw missingPart(path)
  await checkBytes(path, bytes, meta)
  const envelope = parseMetadata(TargetsSchema, bytes, path)
  await verifyThreshold(path, envelope, role, keys)
  // The raw object passed its schema; it also keeps the fields that another TUF tool may have added.
  const targets = envelope.raw as Targets
  if (targets.version === meta.version) return targets
  throw missingPart(path)
}
