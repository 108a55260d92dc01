import { MAX_CHUNK_BYTES, sha256 } from '@afield/protocol'
import { namingDiskErrors } from '../disk.js'
import { CliError } from '../errors.js'
import { holdsChunk } from '../repository/files/chunk-encoding.js'
import { diskFiles, type RepositoryFiles } from '../repository/files/files.js'
import { TIMESTAMP_PATH } from '../repository/files/layout.js'
import { openAt, readTimestamp } from '../repository/read/open.js'
import { listedChunks } from '../repository/read/listed-chunks.js'
import { inParallel } from '../transfer/parallel.js'
import { conflict, numberConflict } from './conflict.js'
import { contentToReplace } from './other-sizes.js'
import { planDeploy, type LocalState, type Plan } from './plan.js'
import type { DeployTarget } from './target.js'
import { walkFolder } from './walk.js'

/** Uploads at a time. */
const PARALLEL = 8

export interface DeployOptions {
  /** The repository's folder. */
  readonly repo: string
  readonly target: DeployTarget
  /** Looks and compares, and writes nothing. */
  readonly dryRun?: boolean | undefined
  readonly onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined
  /** Stops between two files; what was deployed before stays valid. */
  readonly signal?: AbortSignal | undefined
}

export interface Deployed {
  readonly target: string
  readonly repositoryVersion: number
  /** Files and bytes that were written, or would be. */
  readonly files: number
  readonly bytes: number
  /** Files that were there. */
  readonly skipped: number
  /** The target held nothing before. */
  readonly first: boolean
  readonly dryRun: boolean
}

/**
 * Copies a repository to where browsers fetch it from: chunks, then descriptors, then indexes and rollouts, then
 * numbered metadata, then the timestamp. Creating the snapshot is the commit: of two operators who deploy different
 * versions of the same number, the second is told, and leaves nothing but files that nobody refers to. Content that is
 * there in another size than the signed descriptors list is replaced after that. What is deployed is the repository as
 * it was at the beginning, whatever is published meanwhile.
 *
 * Interrupted at any file, the target is as valid as before, and the next deploy goes on from there. To that end new
 * roots come after a timestamp that the target's root can verify, as one can that a rotation signed with old and new
 * keys. Where it cannot, since more was published after the rotation than was deployed, the roots come first, and
 * devices that ask between them and the timestamp stay with what they have.
 *
 * @throws CliError `deploy/conflict`, `deploy/credentials`, `deploy/unavailable`, `deploy/refused`,
 *   `repository/damaged`.
 * @example
 * await deploy({ repo: 'afield-repo', target: openTarget('s3://models/live') })
 */
export function deploy(options: DeployOptions): Promise<Deployed> {
  return namingDiskErrors(() => deploySteps(options))
}

async function deploySteps(options: DeployOptions): Promise<Deployed> {
  const { repo, target, signal } = options
  const files = diskFiles(repo)
  const timestamp = await readTimestamp(files)
  const repository = await openAt(files, timestamp)
  const { snapshot, root } = repository
  const listed = listedChunks(repository)
  const state = { timestamp, version: snapshot.version, rootVersion: root.version, listed }
  const [local, remote] = await Promise.all([walkFolder(repo), target.list(signal)])
  const plan = await planDeploy(files, state, target, { local, remote }, signal)
  const paths = pathsOf(plan)
  const bytes = paths.reduce((sum, path) => sum + (local.get(path) ?? 0), 0)
  if (!options.dryRun) await write(plan, files, state, { local, bytes }, options)
  return {
    target: target.name,
    repositoryVersion: snapshot.version,
    files: paths.length,
    bytes,
    skipped: plan.unchanged - (plan.timestamp && remote.has(TIMESTAMP_PATH) ? 1 : 0),
    first: remote.size === 0,
    dryRun: options.dryRun ?? false,
  }
}

async function write(
  plan: Plan,
  files: RepositoryFiles,
  { timestamp, version, listed }: LocalState,
  { local, bytes: totalBytes }: { readonly local: ReadonlyMap<string, number>; readonly bytes: number },
  { target, onProgress, signal }: DeployOptions,
): Promise<void> {
  let done = 0
  const wrote = (bytes: Uint8Array): void => onProgress?.((done += bytes.length), totalBytes)
  const writeContent = (paths: readonly string[]): Promise<void> =>
    inParallel(paths, PARALLEL, async (path) => {
      signal?.throwIfAborted()
      const bytes = await requireContent(files, path)
      await target.write(path, bytes, signal)
      wrote(bytes)
    })
  for (const paths of plan.content) await writeContent(paths)
  const createNumbered = async (path: string): Promise<void> => {
    signal?.throwIfAborted()
    const bytes = await requireFile(files, path)
    await createOrYield(target, path, bytes, signal)
    wrote(bytes)
  }
  await inParallel(plan.snapshots, 1, createNumbered)
  if (plan.replaced.length > 0 || plan.content.flat().length > 0) {
    // Only now: before, what is there in another packing might have been a faster operator's, who is to win.
    const remote = await target.list(signal)
    await writeContent(await contentToReplace({ local, remote }, listed))
  }
  await inParallel(plan.roles, PARALLEL, createNumbered)
  const createRoots = (): Promise<void> => inParallel(plan.roots, 1, createNumbered)
  if (!plan.rootsLast) await createRoots()
  if (plan.timestamp) {
    await refuseOvertaken(target, version, signal)
    await target.write(TIMESTAMP_PATH, timestamp, signal)
    wrote(timestamp)
    // Whoever was faster since has pointed the timestamp further; they must do so again.
    await refuseOvertaken(target, version, signal)
  }
  if (plan.rootsLast) await createRoots()
}

function pathsOf({ content, replaced, snapshots, roles, roots, timestamp }: Plan): readonly string[] {
  return [
    ...content.flat(),
    ...replaced,
    ...snapshots,
    ...roles,
    ...roots,
    ...(timestamp ? [TIMESTAMP_PATH] : []),
  ]
}

async function createOrYield(
  target: DeployTarget,
  path: string,
  bytes: Uint8Array<ArrayBuffer>,
  signal: AbortSignal | undefined,
): Promise<void> {
  if ((await target.create(path, bytes, signal)) === 'created') return
  const theirs = await target.read(path, signal)
  if (theirs && Buffer.compare(theirs, bytes) === 0) return
  const what = `its ${path} is not yours`
  throw path.endsWith('.snapshot.json') ? await numberConflict(target, what, signal) : conflict(target, what)
}

async function refuseOvertaken(
  target: DeployTarget,
  version: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const next = `metadata/${version + 1}.snapshot.json`
  if (!(await target.read(next, signal))) return
  throw conflict(target, `it went on to version ${version + 1} meanwhile, and they should deploy once more`)
}

async function requireFile(files: RepositoryFiles, path: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await files.read(path)
  if (bytes) return bytes
  throw new CliError('repository/damaged', `The repository lacks ${path}. Restore it from a copy.`)
}

/** Reads a file that is named by the hash of its bytes, and checks that. */
async function requireContent(files: RepositoryFiles, path: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await requireFile(files, path)
  const name = /[0-9a-f]{64}/.exec(path.slice(path.lastIndexOf('/')))?.[0]
  const right = path.startsWith('chunks/')
    ? await holdsChunk(bytes, name, MAX_CHUNK_BYTES)
    : (await sha256(bytes)) === name
  if (right) return bytes
  throw new CliError(
    'repository/damaged',
    `${path} is not the file that it is named for: it was cut or changed. Restore it from a copy; nothing damaged is deployed.`,
  )
}
