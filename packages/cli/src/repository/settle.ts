import { CliError } from '../errors.js'
import type { RepositoryFiles } from './files.js'
import type { Signer } from './keys.js'
import { TIMESTAMP_PATH, metadataPath } from './layout.js'
import { openAt, openRepository, type Repository } from './open.js'
import { expiryAt, metaOf, signMetadata } from './sign.js'

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
  let repository = await openRepository(files)
  for (;;) {
    const next = await pointToNextSnapshot(repository, ops, now)
    if (!next) return repository
    repository = next
  }
}

async function pointToNextSnapshot(
  { files, root, timestamp, snapshot }: Repository,
  ops: Signer,
  now: Date,
): Promise<Repository | undefined> {
  const version = snapshot.version + 1
  const path = metadataPath('snapshot', version)
  const bytes = await files.read(path)
  if (!bytes) return undefined
  const signed = {
    ...timestamp,
    version: timestamp.version + 1,
    expires: expiryAt('timestamp', now),
    meta: { 'snapshot.json': await metaOf(version, bytes) },
  }
  const next = signMetadata(signed, root.roles.timestamp, ops)
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
