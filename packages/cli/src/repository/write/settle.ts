import { AfieldError, parseMetadata, TimestampSchema, type Root, type Timestamp } from '@afield/protocol'
import { CliError } from '../../errors.js'
import type { RepositoryFiles } from '../files/files.js'
import { foreignKey, type Signer } from '../keys/keys.js'
import { TIMESTAMP_PATH, metadataPath } from '../files/layout.js'
import {
  openAt,
  openRepository,
  readRoots,
  readTimestamp,
  rootRequirement,
  type Repository,
} from '../read/open.js'
import { addSignatures, expiryAt, metaOf, metadataBytes } from '../keys/sign.js'

/**
 * Opens a repository for a write, or ends one: points the timestamp at the newest snapshot. A snapshot is a commit,
 * so one that an interrupted write left without its timestamp is finished here.
 *
 * Writers may do this side by side. Each looks for a newer snapshot after it replaced the timestamp, so whoever
 * comes last leaves it at the newest, even if it fell back for a moment.
 *
 * @throws CliError `repository/conflict` when the next snapshot is not whole.
 */
export async function settle(files: RepositoryFiles, ops: Signer, now: Date): Promise<Repository> {
  let repository = await openOrRecover(files, ops, now)
  for (;;) {
    const next = await pointTo(repository, repository.snapshot.version + 1, ops, now)
    if (!next) return repository
    repository = next
  }
}

/**
 * Points the timestamp at a snapshot.
 *
 * @param upcoming a root that comes next: the timestamp is signed for it, too.
 * @returns `undefined` when there is no such snapshot.
 */
export async function pointTo(
  { files, root, timestamp }: Pick<Repository, 'files' | 'root' | 'timestamp'>,
  version: number,
  ops: Signer,
  now: Date,
  upcoming: Root = root,
): Promise<Repository | undefined> {
  const path = metadataPath('snapshot', version)
  const bytes = await files.read(path)
  if (!bytes) return undefined
  const signed: Timestamp = {
    ...timestamp,
    version: timestamp.version + 1,
    expires: expiryAt('timestamp', now),
    meta: { 'snapshot.json': await metaOf(version, bytes) },
  }
  const requirements = [rootRequirement(root, 'timestamp'), rootRequirement(upcoming, 'timestamp')]
  if (!ops.keys.some(({ keyId }) => root.roles.timestamp.keyids.includes(keyId)))
    throw foreignKey('timestamp')
  const next = metadataBytes(addSignatures({ signed, signatures: [] }, requirements, ops.keys))
  const verified = await openAt(files, next).catch((cause: unknown) => {
    throw new CliError(
      'repository/conflict',
      `${path} is there but not whole: somebody else is writing right now, or a write was interrupted. ` +
        `Try again in a moment; when nobody is writing, delete ${path} first.`,
      { cause },
    )
  })
  await files.replace(TIMESTAMP_PATH, next)
  return verified
}

/**
 * After the keys of a lost timestamp role were replaced, a crash may leave a timestamp that only the old root
 * trusts. The newest snapshot, signed by the new keys, tells where the repository stands.
 */
async function openOrRecover(files: RepositoryFiles, ops: Signer, now: Date): Promise<Repository> {
  try {
    return await openRepository(files)
  } catch (error) {
    if (!(error instanceof AfieldError) || error.code !== 'manifest/signature') throw error
    const timestamp = parseMetadata(TimestampSchema, await readTimestamp(files), 'timestamp.json').signed
    const { root } = await readRoots(files)
    const found = await pointTo({ files, root, timestamp }, await newestSnapshot(files), ops, now).catch(
      (cause: unknown) => {
        // What stopped the repository from being opened says more.
        if (cause instanceof CliError && cause.code === 'repository/conflict') throw error
        throw cause
      },
    )
    if (found) return found
    throw error
  }
}

/** The highest number of a snapshot that lies there, committed or not; 0 for none. */
export async function newestSnapshot(files: RepositoryFiles): Promise<number> {
  const names = await files.list('metadata')
  return Math.max(0, ...names.map((name) => Number(/^(\d+)\.snapshot\.json$/.exec(name)?.[1] ?? 0)))
}
