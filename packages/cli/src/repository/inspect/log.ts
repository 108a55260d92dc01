import {
  AfieldError,
  RootSchema,
  checkBytes,
  parseMetadata,
  parseModelIndex,
  parseRollout,
  servesAs,
  type Change,
  type ModelIndex,
  type ModelName,
  type Rollout,
  type Sha256,
} from '@afield/protocol'
import { CliError } from '../../errors.js'
import { describeRollout } from '../../rollout/sentence.js'
import { describeIndexChange, describeRoot } from '../approval/describe-proposal.js'
import { findRollout, modelName, requireSignedIndex, type Signed } from '../read/documents.js'
import type { RepositoryFiles } from '../files/files.js'
import { indexTarget, metadataPath, rolloutTarget, targetPath } from '../files/layout.js'
import { openFiles, type RepositoryLocation } from '../files/location.js'
import { openRepository } from '../read/open.js'
import { rootChange } from '../write/root-change.js'
import { describeServing } from '../read/serving.js'

/** One change, as it was signed. */
export interface LogEntry {
  readonly kind: 'root' | 'index' | 'rollout'
  /** ISO 8601, UTC; absent for a root that does not say. */
  readonly at?: string
  readonly author?: string
  readonly reason?: string
  /** What it changed, a sentence each. */
  readonly what: readonly string[]
  /** The document's hash, or the root's version. */
  readonly id: string
}

/** What devices ran at a moment, by the documents that were signed then. */
export interface ServingThen {
  readonly at: string
  /** The version that devices outside a canary ran; `undefined` when none could. */
  readonly version: string | undefined
  readonly candidate: string | undefined
  readonly rollout: Rollout | undefined
  readonly sentence: string
}

export interface Log {
  readonly model: ModelName
  /** Newest first; roots that do not say when come last. */
  readonly entries: readonly LogEntry[]
  /** Where a moment was asked about. */
  readonly serving?: ServingThen
}

export interface LogOptions extends Pick<RepositoryLocation, 'repo' | 'files'> {
  /** A moment to ask about. */
  readonly at?: Date | undefined
}

/**
 * The audit trail of a model: each of its signed documents back to the first, every one named by the hash in the one
 * after it, and the chain of roots. What it tells cannot be changed without breaking a hash or a signature.
 *
 * Times are those that the signer wrote.
 *
 * @throws AfieldError `model/not-found`; `manifest/unavailable` or `manifest/hash-mismatch` where the chain is broken.
 * @example
 * const { serving } = await readLog({ repo, at: new Date('2026-03-01') }, 'learner-risk')
 * // serving.sentence: 'learner-risk: every device runs 1.0.0.'
 */
export async function readLog(options: LogOptions, model: string): Promise<Log> {
  const name = modelName(model)
  const files = openFiles(options)
  const repository = await openRepository(files)
  const newest = await requireSignedIndex(repository, name)
  const newestRollout = await findRollout(repository, name)
  const indexes = await chain(files, newest, indexTarget(name), (bytes) => parseModelIndex(bytes, name))
  const rollouts = newestRollout
    ? await chain(files, newestRollout, rolloutTarget(name), (bytes) => parseRollout(bytes, name))
    : []

  const entries = [
    ...indexes.map(({ document, sha256 }, i) =>
      entry('index', sha256, document.change, describeIndexChange(indexes[i + 1]?.document, document)),
    ),
    ...rollouts.map(({ document, sha256 }) =>
      entry('rollout', sha256, document.change, [describeRollout(document), ...aliasesOf(document)]),
    ),
    ...(await rootEntries(files)),
  ].sort((a, b) => timeOf(b) - timeOf(a))
  const { at } = options
  return { model: name, entries, ...(at ? { serving: servingAt(name, at, indexes, rollouts) } : {}) }
}

/** A document and those before it, newest first, each checked against the hash that the next one names. */
async function chain<T extends { readonly predecessor?: Sha256 | undefined }>(
  files: RepositoryFiles,
  newest: Signed<T>,
  target: string,
  parse: (bytes: Uint8Array) => T,
): Promise<readonly Signed<T>[]> {
  const links = [newest]
  for (
    let hash = newest.document.predecessor;
    hash !== undefined;
    hash = links.at(-1)?.document.predecessor
  ) {
    const path = targetPath(target, hash)
    const bytes = await files.read(path)
    if (!bytes) {
      throw new AfieldError(
        'manifest/unavailable',
        `The audit trail is broken: ${path}, which the document after it names, is not there. Restore it from a copy.`,
        { details: { file: path } },
      )
    }
    await checkBytes(path, bytes, { hashes: { sha256: hash } })
    links.push({ document: parse(bytes), sha256: hash })
  }
  return links
}

/** The roots from the first on. Opening the repository verified their chain. */
async function rootEntries(files: RepositoryFiles): Promise<readonly LogEntry[]> {
  const entries: LogEntry[] = []
  let before: ReturnType<typeof readRoot> | undefined
  for (let version = 1; ; version++) {
    const bytes = await files.read(metadataPath('root', version))
    if (!bytes) return entries
    const root = readRoot(bytes)
    const what = before
      ? describeRoot(before, root).slice(0, rootChange(root) ? -1 : undefined)
      : ['The first root: the beginning of all trust.']
    entries.push(entry('root', String(version), rootChange(root), what))
    before = root
  }
}

function readRoot(bytes: Uint8Array) {
  return parseMetadata(RootSchema, bytes, 'root.json').raw as ReturnType<
    typeof parseMetadata<typeof RootSchema>
  >['signed']
}

function entry(
  kind: LogEntry['kind'],
  id: string,
  change: Change | undefined,
  what: readonly string[],
): LogEntry {
  return { kind, ...change, what, id }
}

function aliasesOf({ aliases }: Rollout): readonly string[] {
  const named = Object.entries(aliases ?? {}).map(([alias, version]) => `"${alias}" is ${version}`)
  return named.length > 0 ? [`${named.join(', ')}.`] : []
}

function timeOf({ at }: LogEntry): number {
  return at === undefined ? 0 : Date.parse(at)
}

function servingAt(
  name: ModelName,
  at: Date,
  indexes: readonly Signed<ModelIndex>[],
  rollouts: readonly Signed<Rollout>[],
): ServingThen {
  const until = <T extends { readonly change: Change }>(links: readonly Signed<T>[]): T | undefined =>
    links.find(({ document }) => Date.parse(document.change.at) <= at.getTime())?.document
  const index = until(indexes)
  if (!index) {
    const first = indexes.at(-1)?.document.change.at ?? 'never'
    throw new CliError(
      'usage',
      `${name} was first published ${first}; at ${at.toISOString()} there was none.`,
    )
  }
  const rollout = until(rollouts)
  return {
    at: at.toISOString(),
    version: servesAs(index, rollout, 'stable'),
    candidate: servesAs(index, rollout, 'candidate'),
    rollout,
    sentence: describeServing(index, rollout),
  }
}
