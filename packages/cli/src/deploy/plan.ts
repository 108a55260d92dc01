import { AfieldError, TrustedManifest } from '@afield/protocol'
import { TIMESTAMP_PATH, metadataPath } from '../repository/files/layout.js'
import type { RepositoryFiles } from '../repository/files/files.js'
import type { ListedChunks } from '../repository/read/listed-chunks.js'
import { conflict, numberConflict } from './conflict.js'
import { asSnapshot, asTimestamp, contentOf, numbersOf, rolesIn } from './parts.js'
import { contentToReplace, type Sizes } from './other-sizes.js'
import type { DeployTarget } from './target.js'

/** What a deploy will write, in this order. */
export interface Plan {
  /** Files named by their hash: chunks first, then descriptors, then indexes and rollouts. */
  readonly content: readonly (readonly string[])[]
  /** Files named by their hash that the target has in another size. */
  readonly replaced: readonly string[]
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
  readonly listed: ListedChunks
}

/**
 * Works out what a target lacks.
 *
 * @throws CliError `deploy/conflict` when the target went another way than this repository, or further.
 */
export async function planDeploy(
  files: RepositoryFiles,
  { timestamp, version: current, rootVersion, listed }: LocalState,
  target: DeployTarget,
  { local, remote }: Sizes,
  signal?: AbortSignal,
): Promise<Plan> {
  await refuseOtherHistory(files, current, target, remote, signal)
  const content = contentOf(local.keys())
  const replaced = await contentToReplace({ local, remote }, listed)
  const lacking = (path: string): boolean => !remote.has(path)
  const snapshots = numbersOf(local.keys(), 'snapshot')
    .filter((version) => version <= current)
    .map((version) => metadataPath('snapshot', version))
  const roles = new Map(
    await Promise.all(snapshots.map(async (path) => [path, await rolesOf(files, path)] as const)),
  )
  const deployed = new Set([...roles].flatMap(([path, named]) => (remote.has(path) ? named : [])))
  const all = [...new Set([...roles.values()].flat())]
  await refuseForeign(
    files,
    target,
    all.filter((path) => remote.has(path) && !deployed.has(path)),
    signal,
  )
  const roots = numbersOf(local.keys(), 'root')
    .filter((version) => version <= rootVersion)
    .map((version) => metadataPath('root', version))
  return {
    content: content.map((paths) => paths.filter(lacking)),
    replaced,
    snapshots: snapshots.filter(lacking),
    roles: all.filter(lacking),
    roots: roots.filter(lacking),
    rootsLast: await trustedAlready(files, timestamp, target, remote, signal),
    timestamp: await isNewer(timestamp, target, signal),
    unchanged: [...local.keys()].filter((path) => remote.has(path)).length - replaced.length,
  }
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
    const what = `it is at version ${newest}, and this repository at version ${current}`
    throw await numberConflict(target, what, signal)
  }
  const snapshot = metadataPath('snapshot', newest)
  if (!(await isMine(files, target, snapshot, signal))) {
    throw await numberConflict(target, `its ${snapshot} is not yours`, signal)
  }
  const root = metadataPath('root', numbersOf(remote.keys(), 'root').at(-1) ?? 1)
  if (remote.has(root) && !(await isMine(files, target, root, signal))) {
    throw conflict(target, `its ${root} is not yours`)
  }
}

/** Roles under the numbers that this deploy needs, which no snapshot there names, have to be its own. */
async function refuseForeign(
  files: RepositoryFiles,
  target: DeployTarget,
  roles: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const path of roles) {
    if (await isMine(files, target, path, signal)) continue
    throw await numberConflict(target, `its ${path} is not yours`, signal)
  }
}

async function rolesOf(files: RepositoryFiles, path: string): Promise<readonly string[]> {
  const snapshot = asSnapshot(await files.read(path))
  return snapshot ? rolesIn(snapshot) : []
}

async function isMine(
  files: RepositoryFiles,
  target: DeployTarget,
  path: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const [mine, theirs] = await Promise.all([files.read(path), target.read(path, signal)])
  return mine !== undefined && theirs !== undefined && Buffer.compare(mine, theirs) === 0
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
  const theirs = asTimestamp(await target.read(TIMESTAMP_PATH, signal))
  return (asTimestamp(timestamp)?.version ?? 0) > (theirs?.version ?? 0)
}
