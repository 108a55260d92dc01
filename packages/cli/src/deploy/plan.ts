import {
  AfieldError,
  SnapshotSchema,
  TimestampSchema,
  TrustedManifest,
  parseMetadata,
  type Snapshot,
} from '@afield/protocol'
import { CliError } from '../errors.js'
import { TIMESTAMP_PATH, metadataPath } from '../repository/files/layout.js'
import type { RepositoryFiles } from '../repository/files/files.js'
import type { DeployTarget } from './target.js'

/** What a deploy will write, in this order. */
export interface Plan {
  /** Files named by their hash: chunks first, then descriptors, then indexes and rollouts. */
  readonly content: readonly (readonly string[])[]
  /**
   * The commits, in order. They come before the roles that they name, so that whoever loses the race for a number has
   * left no role there under a number that the winner needs.
   */
  readonly snapshots: readonly string[]
  readonly roles: readonly string[]
  /** After the snapshots and roles that their keys signed, since devices look for them first. */
  readonly roots: readonly string[]
  /** Whether the timestamp comes before the roots: who knows only the target's newest root trusts all it names. */
  readonly rootsLast: boolean
  /** Whether the target's timestamp is to be replaced. */
  readonly timestamp: boolean
  /** Files that the target has, a timestamp that is to be replaced among them. */
  readonly unchanged: number
}

/** The repository as its timestamp was when the deploy began; what is written locally since belongs to the next. */
export interface LocalState {
  readonly timestamp: Uint8Array<ArrayBuffer>
  readonly version: number
  readonly rootVersion: number
}

export interface Sizes {
  readonly local: ReadonlyMap<string, number>
  readonly remote: ReadonlyMap<string, number>
}

const CONTENT_ORDER = [
  /^chunks\/[0-9a-f]{2}\/[0-9a-f]{64}$/,
  /^descriptors\/[0-9a-f]{64}\.json$/,
  /^targets\/.+$/,
] as const

/**
 * Works out what a target lacks.
 *
 * @throws CliError `deploy/conflict` when the target went another way than this repository, or further.
 */
export async function planDeploy(
  files: RepositoryFiles,
  { timestamp, version: current, rootVersion }: LocalState,
  target: DeployTarget,
  { local, remote }: Sizes,
  signal?: AbortSignal,
): Promise<Plan> {
  await refuseOtherHistory(files, current, target, remote, signal)
  const content = CONTENT_ORDER.map((pattern) =>
    [...local.keys()].filter((path) => pattern.test(path)).sort(),
  )
  for (const path of content.flat()) refuseOtherSize(path, local.get(path), remote.get(path), target)
  const snapshots = numbersOf(local.keys(), 'snapshot')
    .filter((version) => version <= current)
    .map((version) => `metadata/${version}.snapshot.json`)
  const roles = await Promise.all(snapshots.map((path) => rolesOf(files, path)))
  const roots = numbersOf(local.keys(), 'root')
    .filter((version) => version <= rootVersion)
    .map((version) => metadataPath('root', version))
  const lacking = (path: string): boolean => !remote.has(path)
  return {
    content: content.map((paths) => paths.filter(lacking)),
    snapshots: snapshots.filter(lacking),
    roles: [...new Set(roles.flat())].filter(lacking),
    roots: roots.filter(lacking),
    rootsLast: await trustedAlready(files, timestamp, target, remote, signal),
    timestamp: await isNewer(timestamp, target, signal),
    unchanged: [...local.keys()].filter((path) => remote.has(path)).length,
  }
}

/** @throws CliError `deploy/conflict` in one wording for all its ways. */
export function conflict(target: DeployTarget, what: string): CliError {
  return new CliError(
    'deploy/conflict',
    `Somebody else deployed to ${target.name}: ${what}. Nothing of theirs was changed. Take the files of the target ` +
      'over into your repository, make your change again, then deploy.',
  )
}

async function refuseOtherHistory(
  files: RepositoryFiles,
  current: number,
  target: DeployTarget,
  remote: ReadonlyMap<string, number>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const newest = numbersOf(remote.keys(), 'snapshot').at(-1)
  if (newest === undefined) return
  if (newest > current) {
    throw conflict(target, `it is at version ${newest}, and this repository at version ${current}`)
  }
  const path = `metadata/${newest}.snapshot.json`
  const [mine, theirs] = await Promise.all([files.read(path), target.read(path, signal)])
  if (!mine || !theirs || Buffer.compare(mine, theirs) !== 0)
    throw conflict(target, `its ${path} is not yours`)
}

async function rolesOf(files: RepositoryFiles, path: string): Promise<readonly string[]> {
  const bytes = await files.read(path)
  if (!bytes) return []
  const { meta }: Snapshot = parseMetadata(SnapshotSchema, bytes, path).signed
  return Object.entries(meta).map(([file, { version }]) => `metadata/${version}.${file}`)
}

/** Whether the root that the target has can verify this repository's state, as while keys change. */
async function trustedAlready(
  files: RepositoryFiles,
  timestamp: Uint8Array<ArrayBuffer>,
  target: DeployTarget,
  remote: ReadonlyMap<string, number>,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const newest = numbersOf(remote.keys(), 'root').at(-1)
  const root = newest === undefined ? undefined : await target.read(metadataPath('root', newest), signal)
  if (!root) return false
  try {
    const manifest = await TrustedManifest.fromRoot(root)
    await manifest.acceptTimestamp(timestamp, 'at-rest')
    const snapshot = await files.read(metadataPath('snapshot', manifest.snapshotMeta?.version ?? 0))
    if (!snapshot) return false
    await manifest.acceptSnapshot(snapshot, 'at-rest')
    const targets = await files.read(metadataPath('targets', manifest.targetsMeta('targets')?.version ?? 0))
    if (!targets) return false
    await manifest.acceptTargets('targets', targets, 'at-rest')
    return true
  } catch (error) {
    if (error instanceof AfieldError) return false
    throw error
  }
}

async function isNewer(
  timestamp: Uint8Array<ArrayBuffer>,
  target: DeployTarget,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const mine = timestampVersion(timestamp)
  const theirs = timestampVersion(await target.read(TIMESTAMP_PATH, signal))
  return mine > theirs
}

/** 0 for none, and for what is no timestamp: it serves nobody and is replaced. */
function timestampVersion(bytes: Uint8Array | undefined): number {
  if (!bytes) return 0
  try {
    return parseMetadata(TimestampSchema, bytes, TIMESTAMP_PATH).signed.version
  } catch (error) {
    if (error instanceof AfieldError) return 0
    throw error
  }
}

function numbersOf(paths: Iterable<string>, role: 'snapshot' | 'root'): readonly number[] {
  const pattern = new RegExp(`^metadata/(\\d+)\\.${role}\\.json$`)
  return [...paths]
    .map((path) => Number(pattern.exec(path)?.[1] ?? 0))
    .filter((version) => version > 0)
    .sort((a, b) => a - b)
}

function refuseOtherSize(
  path: string,
  mine: number | undefined,
  theirs: number | undefined,
  target: DeployTarget,
): void {
  if (theirs === undefined || mine === theirs) return
  throw conflict(target, `its ${path} has ${theirs} bytes instead of ${mine}: another packing, or damaged`)
}
