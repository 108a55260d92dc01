import {
  AfieldError,
  RootSchema,
  SnapshotSchema,
  TargetsSchema,
  TimestampSchema,
  TrustedManifest,
  binOf,
  checkBytes,
  parseMetadata,
  sha256,
  type Root,
  type Sha256,
  type Snapshot,
  type Targets,
  type Timestamp,
} from '@afield/protocol'
import { CliError } from '../../errors.js'
import { delegatesOf, delegationTo, readDelegated } from './delegation.js'
import type { RepositoryFiles } from '../files/files.js'
import { TIMESTAMP_PATH, metadataPath, targetPath } from '../files/layout.js'
import { missingPart } from '../files/missing-part.js'
import type { Requirement } from '../keys/sign.js'

/** A repository as it was when it was opened: everything signed that the next write builds on, verified. */
export interface Repository {
  readonly files: RepositoryFiles
  readonly root: Root
  readonly timestamp: Timestamp
  readonly snapshot: Snapshot
  readonly targets: Targets
  /** Targets metadata by role, verified when first asked for. */
  role(name: string): Promise<Targets>
}

/** Which kind of document; the role that lists it follows from that and from the layout. */
export type DocumentKind = 'models' | 'rollouts'

/**
 * Reads and verifies a repository as a device would, but for expiry: an expired one can be written to, which renews
 * it.
 *
 * @throws CliError `repository/missing` when the folder holds none; AfieldError `manifest/…` when it was damaged.
 */
export async function openRepository(files: RepositoryFiles): Promise<Repository> {
  return openAt(files, await readTimestamp(files))
}

/** @throws CliError `repository/missing`. */
export async function readTimestamp(files: RepositoryFiles): Promise<Uint8Array<ArrayBuffer>> {
  const timestamp = await files.read(TIMESTAMP_PATH)
  if (timestamp) return timestamp
  throw new CliError(
    'repository/missing',
    `There is no repository here (no ${TIMESTAMP_PATH}). Name its folder with --repo, or make one with: afield init`,
  )
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

  // The raw objects passed their schemas; they also keep the fields that another TUF tool may have added.
  const repository = new OpenRepository(
    files,
    root,
    timestamp.raw as Timestamp,
    snapshot.raw as Snapshot,
    targets.raw as Targets,
  )
  for (const name of delegatesOf(repository.targets)) await repository.role(name)
  return repository
}

class OpenRepository implements Repository {
  readonly #roles = new Map<string, Promise<Targets>>()

  constructor(
    readonly files: RepositoryFiles,
    readonly root: Root,
    readonly timestamp: Timestamp,
    readonly snapshot: Snapshot,
    readonly targets: Targets,
  ) {}

  role(name: string): Promise<Targets> {
    if (name === 'targets') return Promise.resolve(this.targets)
    const known = this.#roles.get(name)
    if (known) return known
    const read = this.#read(name)
    this.#roles.set(name, read)
    return read
  }

  async #read(name: string): Promise<Targets> {
    const parent = await this.role(parentOf(name))
    const delegation = delegationTo(parent, name)
    if (!delegation) throw new AfieldError('manifest/invalid', `Nobody delegated to the role "${name}".`)
    return readDelegated(this.files, this.snapshot, name, delegation)
  }
}

/** A bin belongs to the role it is named after; every other role to the top-level targets. */
export function parentOf(name: string): string {
  const [, binned] = /^(models|rollouts)-[0-9a-f]+$/.exec(name) ?? []
  return binned ?? 'targets'
}

/** Every role that lists or may list documents, parents first: `targets`, what it delegates to, their bins. */
export async function listingRoles(repository: Repository): Promise<readonly string[]> {
  const named = delegatesOf(repository.targets)
  const bins = await Promise.all(named.map(async (name) => delegatesOf(await repository.role(name))))
  return ['targets', ...named, ...bins.flat()]
}

/** The role that lists a document: top-level targets or `rollouts`, or the bin of the document's path. */
export async function roleListing(repository: Repository, target: string): Promise<string> {
  const kind = target.slice(0, target.indexOf('/'))
  if (!delegatesOf(repository.targets).includes(kind)) return 'targets'
  const bins = (await repository.role(kind)).delegations?.succinct_roles
  return bins ? binOf(bins, target) : kind
}

/** Every document of a kind that the repository lists, by target path. */
export async function listTargets(repository: Repository, kind: DocumentKind): Promise<readonly string[]> {
  const paths: string[] = []
  for (const name of await listingRoles(repository)) {
    paths.push(...Object.keys((await repository.role(name)).targets))
  }
  return paths.filter((path) => path.startsWith(`${kind}/`)).sort()
}

/**
 * Reads a file that the metadata lists, checked against its hash; `undefined` when it is not listed.
 *
 * @throws AfieldError `manifest/unavailable`, `manifest/hash-mismatch`.
 */
export async function readTarget(
  repository: Repository,
  target: string,
): Promise<{ readonly bytes: Uint8Array<ArrayBuffer>; readonly sha256: Sha256 } | undefined> {
  const listed = (await repository.role(await roleListing(repository, target))).targets[target]
  if (!listed) return undefined
  const path = targetPath(target, listed.hashes.sha256)
  const bytes = await repository.files.read(path)
  if (!bytes) throw missingPart(path)
  await checkBytes(path, bytes, listed)
  return { bytes, sha256: await sha256(bytes) }
}

/** Whom the root trusts for a top-level role. */
export function rootRequirement(root: Root, role: keyof Root['roles']): Requirement {
  return { role: root.roles[role], keys: root.keys }
}

/** The newest root, and the trust that its chain from the first one gives. */
export async function readRoots(
  files: RepositoryFiles,
): Promise<{ readonly manifest: TrustedManifest; readonly root: Root }> {
  let newest = await readNamed(files, 'root', 1)
  const manifest = await TrustedManifest.fromRoot(newest)
  for (let version = 2; ; version++) {
    const next = await files.read(metadataPath('root', version))
    if (!next) return { manifest, root: parseMetadata(RootSchema, newest, 'root.json').raw as Root }
    await manifest.acceptRoot(next)
    newest = next
  }
}

async function readNamed(
  files: RepositoryFiles,
  role: 'root' | 'snapshot' | 'targets',
  version: number | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  const path = version === undefined ? `metadata/?.${role}.json` : metadataPath(role, version)
  const bytes = version === undefined ? undefined : await files.read(path)
  if (!bytes) throw missingPart(path)
  return bytes
}
