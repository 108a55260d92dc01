import { sha256, type MetaFile, type TargetFile, type Targets } from '@afield/protocol'
import { CliError } from '../errors.js'
import type { RepositoryFiles } from './files.js'
import type { Signer } from './keys.js'
import { metadataPath, targetPath } from './layout.js'
import type { Repository } from './open.js'
import { settle } from './settle.js'
import { LIFETIME_MS, expiryAt, metaOf, signMetadata } from './sign.js'

/** The keys at hand. Rollouts need only `ops`. */
export interface Signers {
  readonly ops: Signer
  readonly release?: Signer | undefined
}

/** A role that lists documents. */
export type ListingRole = 'targets' | 'rollouts'

/** One new or changed document, such as `models/learner-risk.json` of `targets`. */
export interface Change {
  readonly role: ListingRole
  readonly target: string
  readonly bytes: Uint8Array<ArrayBuffer>
}

export interface Committed {
  /** The repository's version: every write raises it by one. */
  readonly repositoryVersion: number
  /** When the first of the files expires unless somebody writes again: ISO 8601, UTC. */
  readonly refreshBy: string
}

/**
 * Writes a change so that a crash between any two writes leaves the old repository valid: first the document under
 * its hash, then the role that lists it, then the snapshot, which nobody else can have made (the commit), and at
 * last the timestamp.
 *
 * @throws CliError `repository/conflict` when somebody else wrote since the repository was opened.
 */
export async function commit(
  repository: Repository,
  change: Change,
  signers: Signers,
  now: Date,
): Promise<Committed> {
  const listed: TargetFile = { length: change.bytes.length, hashes: { sha256: await sha256(change.bytes) } }
  await repository.files.put(targetPath(change.target, listed.hashes.sha256), change.bytes)

  const meta: Record<string, MetaFile> = { ...repository.snapshot.meta }
  const expiries = [repository.root.expires, expiryAt('snapshot', now), expiryAt('timestamp', now)]
  for (const role of ['targets', 'rollouts'] as const) {
    const signer = role === 'targets' ? signers.release : signers.ops
    const next =
      role === change.role ? withTarget(repository, change, listed) : renewal(repository, role, now)
    if (next && signer) {
      const expires = expiryAt(role, now)
      meta[`${role}.json`] = await createRole(repository, role, { ...next, expires }, signer)
      expiries.push(expires)
    } else if (role === change.role) {
      throw new CliError('keys/missing', 'Only the release key can change what is published.')
    } else {
      expiries.push(repository[role].expires)
    }
  }

  const repositoryVersion = repository.snapshot.version + 1
  const snapshot = signMetadata(
    { ...repository.snapshot, version: repositoryVersion, expires: expiryAt('snapshot', now), meta },
    repository.root.roles.snapshot,
    signers.ops,
  )
  await createOrYield(repository.files, metadataPath('snapshot', repositoryVersion), snapshot)
  await settle(repository.files, signers.ops, now)
  return { repositoryVersion, refreshBy: earliest(expiries) }
}

function withTarget(repository: Repository, { role, target }: Change, listed: TargetFile): Targets {
  return { ...repository[role], targets: { ...repository[role].targets, [target]: listed } }
}

/** What no write of its own may renew in time is renewed along with another, in the second half of its life. */
function renewal(repository: Repository, role: ListingRole, now: Date): Targets | undefined {
  const left = Date.parse(repository[role].expires) - now.getTime()
  return left < LIFETIME_MS[role] / 2 ? repository[role] : undefined
}

async function createRole(
  { files, root, targets }: Repository,
  role: ListingRole,
  next: Targets,
  signer: Signer,
): Promise<MetaFile> {
  const delegated = targets.delegations?.roles?.find(({ name }) => name === role)
  const keys = role === 'targets' ? root.roles.targets : (delegated ?? { keyids: [], threshold: 1 })
  const version = await nextVersion(files, role)
  const bytes = signMetadata({ ...next, version }, keys, signer)
  await createOrYield(files, metadataPath(role, version), bytes)
  return metaOf(version, bytes)
}

/** Numbers that an interrupted write left behind are passed over: caches keep a numbered file for ever. */
async function nextVersion(files: RepositoryFiles, role: ListingRole): Promise<number> {
  const pattern = new RegExp(`^(\\d+)\\.${role}\\.json$`)
  const names = await files.list('metadata')
  return 1 + Math.max(0, ...names.map((name) => Number(pattern.exec(name)?.[1] ?? 0)))
}

async function createOrYield(files: RepositoryFiles, path: string, bytes: Uint8Array): Promise<void> {
  if ((await files.create(path, bytes)) === 'created') return
  throw new CliError(
    'repository/conflict',
    `Somebody else changed the repository at the same moment (${path} is theirs). Nothing of yours was ` +
      'published. Look at what they did, then run the command again.',
  )
}

function earliest(moments: readonly string[]): string {
  return moments.reduce((first, next) => (Date.parse(next) < Date.parse(first) ? next : first))
}
