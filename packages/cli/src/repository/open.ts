import {
  AfieldError,
  RootSchema,
  SnapshotSchema,
  TargetsSchema,
  TimestampSchema,
  TrustedManifest,
  checkBytes,
  parseMetadata,
  sha256,
  type Root,
  type Sha256,
  type Snapshot,
  type Targets,
  type Timestamp,
} from '@afield/protocol'
import { CliError } from '../errors.js'
import type { RepositoryFiles } from './files.js'
import { TIMESTAMP_PATH, metadataPath, targetPath } from './layout.js'

/** A repository as it was when it was opened: everything signed that the next write builds on, verified. */
export interface Repository {
  readonly files: RepositoryFiles
  readonly root: Root
  readonly timestamp: Timestamp
  readonly snapshot: Snapshot
  readonly targets: Targets
  readonly rollouts: Targets
}

/**
 * Reads and verifies a repository as a device would, but for expiry: an expired one can be written to, which renews
 * it.
 *
 * @throws CliError `repository/missing` when the folder holds none; AfieldError `manifest/…` when it was damaged.
 */
export async function openRepository(files: RepositoryFiles): Promise<Repository> {
  const timestamp = await files.read(TIMESTAMP_PATH)
  if (!timestamp) {
    throw new CliError(
      'repository/missing',
      `There is no repository here (no ${TIMESTAMP_PATH}). Name its folder with --repo, or make one with: afield init`,
    )
  }
  return openAt(files, timestamp)
}

/** Like {@link openRepository}, as if these bytes were the repository's timestamp. */
export async function openAt(
  files: RepositoryFiles,
  timestampBytes: Uint8Array<ArrayBuffer>,
): Promise<Repository> {
  const { manifest, root } = await readRoots(files)
  await manifest.acceptTimestamp(timestampBytes, 'at-rest')
  const timestamp = parseMetadata(TimestampSchema, timestampBytes, 'timestamp.json')

  const snapshotBytes = await readNamed(files, 'snapshot', manifest.snapshotMeta?.version)
  await manifest.acceptSnapshot(snapshotBytes, 'at-rest')
  const snapshot = parseMetadata(SnapshotSchema, snapshotBytes, 'snapshot.json')

  const targetsBytes = await readNamed(files, 'targets', manifest.targetsMeta('targets')?.version)
  await manifest.acceptTargets('targets', targetsBytes, 'at-rest')
  const targets = parseMetadata(TargetsSchema, targetsBytes, 'targets.json')

  const rolloutsBytes = await readNamed(files, 'rollouts', manifest.targetsMeta('rollouts')?.version)
  await manifest.acceptTargets('rollouts', rolloutsBytes, 'at-rest')
  const rollouts = parseMetadata(TargetsSchema, rolloutsBytes, 'rollouts.json')

  // The raw objects passed their schemas; they also keep the fields that another TUF tool may have added.
  return {
    files,
    root,
    timestamp: timestamp.raw as Timestamp,
    snapshot: snapshot.raw as Snapshot,
    targets: targets.raw as Targets,
    rollouts: rollouts.raw as Targets,
  }
}

/**
 * Reads a file that the metadata lists, checked against its hash; `undefined` when it is not listed.
 *
 * @throws AfieldError `manifest/unavailable`, `manifest/hash-mismatch`.
 */
export async function readTarget(
  repository: Repository,
  role: 'targets' | 'rollouts',
  target: string,
): Promise<{ readonly bytes: Uint8Array<ArrayBuffer>; readonly sha256: Sha256 } | undefined> {
  const listed = repository[role].targets[target]
  if (!listed) return undefined
  const path = targetPath(target, listed.hashes.sha256)
  const bytes = await repository.files.read(path)
  if (!bytes) throw missingPart(path)
  await checkBytes(path, bytes, listed)
  return { bytes, sha256: await sha256(bytes) }
}

async function readRoots(
  files: RepositoryFiles,
): Promise<{ readonly manifest: TrustedManifest; readonly root: Root }> {
  let newest = await readNamed(files, 'root', 1)
  const manifest = await TrustedManifest.fromRoot(newest)
  for (let version = 2; ; version++) {
    const next = await files.read(metadataPath('root', version))
    if (!next) return { manifest, root: parseMetadata(RootSchema, newest, 'root.json').signed }
    await manifest.acceptRoot(next)
    newest = next
  }
}

async function readNamed(
  files: RepositoryFiles,
  role: 'root' | 'snapshot' | 'targets' | 'rollouts',
  version: number | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  const path = version === undefined ? `metadata/?.${role}.json` : metadataPath(role, version)
  const bytes = version === undefined ? undefined : await files.read(path)
  if (!bytes) throw missingPart(path)
  return bytes
}

function missingPart(path: string): AfieldError {
  return new AfieldError(
    'manifest/unavailable',
    `The repository lacks ${path}, which its own metadata names. Restore it from a copy.`,
    { details: { file: path } },
  )
}
