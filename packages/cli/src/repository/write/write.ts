import { parseModelIndex, parseRollout, type Change as Attributed } from '@afield/protocol'
import { CliError } from '../../errors.js'
import { changeOf, type Attribution } from './change.js'
import { commit, commitPlan, type Committed, type Signers } from './commit.js'
import type { Change, Plan } from './draft.js'
import { findKeys, keysFolder, readKey } from '../keys/keys.js'
import { openFiles, type RepositoryLocation } from '../files/location.js'
import type { Repository } from '../read/open.js'
import { settle } from './settle.js'

/** A repository that is open for a write: everything verified, the keys at hand. */
export interface OpenWrite {
  readonly repository: Repository
  readonly signers: Signers
  readonly now: Date
  /** Who and why, as it is signed. */
  readonly change: Attributed
  /** Signs and publishes, or throws `proposal/waiting`. */
  readonly commitPlan: (plan: Plan) => Promise<Committed>
}

/**
 * Opens a repository for a write with every key of the folder.
 *
 * @param needs `release` refuses without a release key.
 * @throws CliError `keys/…`, `repository/…`; AfieldError `manifest/…`. Nothing was written then.
 */
export async function openWrite(
  options: RepositoryLocation & Attribution,
  needs: 'release' | 'ops',
  defaultReason: string,
): Promise<OpenWrite> {
  const now = options.now ?? new Date()
  const folder = keysFolder(options.repo, options.keys)
  const ops = await readKey(folder, 'ops')
  const release = await (needs === 'release' ? readKey(folder, 'release') : findKeys(folder, 'release'))
  const signers = { ops, release }
  const repository = await settle(openFiles(options), ops, now)
  const change = await changeOf(options, defaultReason, now)
  return {
    repository,
    signers,
    now,
    change,
    commitPlan: (plan) => commitPlan(repository, plan, signers, now),
  }
}

/**
 * Writes many documents as one version of the repository: a catalogue at once, in one snapshot.
 *
 * @param documents model indexes (`models/<name>.json`) and rollouts (`rollouts/<name>.json`), each already naming
 *   its change and its predecessor. Descriptors and chunks must lie in the repository already.
 * @throws AfieldError `manifest/invalid`, `rollout/invalid` for a document that devices would refuse; else as
 *   {@link commit}.
 * @example
 * await commitDocuments({ repo }, indexes.map((index) => ({ target: `models/${index.name}.json`, bytes: jsonBytes(index) })))
 */
export async function commitDocuments(
  options: RepositoryLocation & Attribution,
  documents: readonly Change[],
): Promise<Committed> {
  for (const { target, bytes } of documents) {
    const [, kind, name = ''] = /^(models|rollouts)\/(.+)\.json$/.exec(target) ?? []
    if (kind === 'models') parseModelIndex(bytes, name)
    else if (kind === 'rollouts') parseRollout(bytes, name)
    else throw new CliError('usage', `"${target}" is neither models/NAME.json nor rollouts/NAME.json.`)
  }
  const needs = documents.some(({ target }) => target.startsWith('models/')) ? 'release' : 'ops'
  const { repository, signers, now } = await openWrite(options, needs, 'several documents')
  return commit(repository, documents, signers, now)
}
