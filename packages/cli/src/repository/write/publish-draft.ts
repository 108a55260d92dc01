import { sha256, type MetaFile, type Root, type Snapshot } from '@afield/protocol'
import { CliError } from '../../errors.js'
import { rolesNotAbove, rootRequirements, type Draft } from './draft.js'
import type { RepositoryFiles } from '../files/files.js'
import { inParallel } from '../../transfer/parallel.js'
import { foreignKey, type Signer } from '../keys/keys.js'
import { metadataPath, targetPath } from '../files/layout.js'
import { listingRoles, parentOf, rootRequirement, type Repository } from '../read/open.js'
import { newestSnapshot, pointTo, settle } from './settle.js'
import {
  addSignatures,
  earliest,
  expiryAt,
  metaOf,
  metadataBytes,
  type Requirement,
  type Signing,
} from '../keys/sign.js'

export interface Committed {
  /** The repository's version: every write raises it by one. */
  readonly repositoryVersion: number
  /** When the first of the files expires unless somebody writes again: ISO 8601, UTC. */
  readonly refreshBy: string
}

/**
 * Writes a complete draft so that a crash between any two writes leaves the old repository valid: first the documents
 * under their hashes, then the roles that list them, then the snapshot, which nobody else can have made (the
 * commit), and at last the timestamp. A new root comes after the timestamp: all that it names is signed by old and
 * new keys then, so a device trusts it whether it knows the new root yet or not.
 *
 * @throws CliError `repository/conflict` when somebody else wrote since the repository was opened, or for a role whose
 *   version is not above the snapshot's; `keys/wrong`.
 */
export async function publishDraft(
  repository: Repository,
  draft: Draft,
  ops: Signer,
  now: Date,
): Promise<Committed> {
  const { files } = repository
  refuseOlder(repository, draft)
  const meta: Record<string, MetaFile> = { ...repository.snapshot.meta }
  const roles = [...draft.roles].map(([name, signing]) => ({ name, signing, bytes: metadataBytes(signing) }))
  for (const { name, signing, bytes } of roles) {
    meta[`${name}.json`] = await roleMeta(name, signing.signed.version, bytes)
  }
  const trustedBefore = trustsKeys(repository, draft, ops)
  // Without the keys that were trusted before, what an interrupted try left cannot be finished, only passed over.
  const version = 1 + (trustedBefore ? repository.snapshot.version : await newestSnapshot(files))
  const snapshot = addSignatures<Snapshot>(
    {
      signed: { ...repository.snapshot, version, expires: expiryAt('snapshot', now), meta },
      signatures: [],
    },
    rootRequirements(repository, draft, 'snapshot'),
    ops.keys,
  )

  await inParallel(draft.changes, AT_ONCE, async ({ target, bytes }) => {
    await files.put(targetPath(target, await sha256(bytes)), bytes)
  })
  await inParallel(roles, AT_ONCE, ({ name, signing, bytes }) =>
    createOrYield(files, metadataPath(name, signing.signed.version), bytes),
  )
  await createOrYield(files, metadataPath('snapshot', version), metadataBytes(snapshot))

  if (draft.root === undefined) {
    await settle(files, ops, now)
  } else if (trustedBefore) {
    await pointTo(repository, version, ops, now, draft.root.signed)
    await refuseOvertaken(files, version)
    await createRoot(files, draft.root)
  } else {
    // Nothing that the lost key would have to sign can be made, so devices wait between these two writes.
    await createRoot(files, draft.root)
    await settle(files, ops, now)
  }
  return { repositoryVersion: version, refreshBy: await refreshBy(repository, draft, now) }
}

/** Devices refuse a role whose version goes back, and what a later version said would be gone. */
function refuseOlder({ snapshot }: Repository, draft: Draft): void {
  const older = rolesNotAbove(snapshot, draft)
  if (older.length === 0) return
  throw new CliError(
    'repository/conflict',
    `The repository has a version of ${older.join(', ')} already that is as new or newer. Nothing was published. ` +
      'Run the command that made this change again.',
  )
}

/** Writes that do not build on each other, some at a time: most of a write's time is the disk's. */
const AT_ONCE = 16

/** A bin's entry is its version alone: a device pays for the entries of all bins, and signatures tell the rest. */
export async function roleMeta(
  name: string,
  version: number,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<MetaFile> {
  return parentOf(name) === 'targets' ? metaOf(version, bytes) : { version }
}

/**
 * Whether the repository's root as it is trusts the ops keys at hand; false where they are lost and being replaced.
 *
 * @throws CliError `keys/wrong` when the coming root does not trust them either.
 */
function trustsKeys(repository: Repository, draft: Draft, ops: Signer): boolean {
  const roles = ['snapshot', 'timestamp'] as const
  const [before, after] = [repository.root, draft.root?.signed ?? repository.root]
  for (const role of roles) {
    if (!holds(rootRequirement(after, role), ops)) throw foreignKey(role)
  }
  return roles.every((role) => holds(rootRequirement(before, role), ops))
}

/** Whether the keys at hand are enough for a role. */
function holds({ role }: Requirement, { keys }: Signer): boolean {
  return keys.filter(({ keyId }) => role.keyids.includes(keyId)).length >= role.threshold
}

/** A write with the old keys in between would not be trusted under the new root; before it, all of it is. */
async function refuseOvertaken(files: RepositoryFiles, version: number): Promise<void> {
  const path = metadataPath('snapshot', version + 1)
  if (!(await files.read(path))) return
  throw new CliError(
    'repository/conflict',
    `Somebody else changed the repository while its keys were being replaced (${path} is theirs). The old keys are ` +
      'still in force. Run the command again; it goes on with the keys it made.',
  )
}

async function createRoot(files: RepositoryFiles, root: Signing<Root>): Promise<void> {
  await createOrYield(files, metadataPath('root', root.signed.version), metadataBytes(root))
}

/** What lies there already and is the very same comes from this write, interrupted and repeated. */
async function createOrYield(files: RepositoryFiles, path: string, bytes: Uint8Array): Promise<void> {
  if ((await files.create(path, bytes)) === 'created') return
  const there = await files.read(path)
  if (!path.endsWith('.snapshot.json') && there && Buffer.compare(there, bytes) === 0) return
  throw new CliError(
    'repository/conflict',
    `Somebody else changed the repository at the same moment (${path} is theirs). Nothing of yours was ` +
      'published. Look at what they did, then run the command again.',
  )
}

async function refreshBy(repository: Repository, draft: Draft, now: Date): Promise<string> {
  const root = draft.root?.signed ?? repository.root
  const names = await listingRoles(repository)
  const roles = await Promise.all(
    names.map(async (name) => draft.roles.get(name)?.signed ?? (await repository.role(name))),
  )
  return earliest([
    root.expires,
    expiryAt('snapshot', now),
    expiryAt('timestamp', now),
    ...roles.map(({ expires }) => expires),
  ])
}
