import { parseModelIndex, parseRollout, type Sha256 } from '@afield/protocol'
import { CliError } from '../../errors.js'
import { findIndex, findRollout, modelName } from '../read/documents.js'
import { rolesNotAbove, type Change, type Draft } from '../write/draft.js'
import type { Repository } from '../read/open.js'
import type { Proposal } from '../write/proposal.js'
import { baseOf } from '../write/propose.js'

/**
 * A role that changed since has a version of its own; signing over it would undo somebody's write. What the proposal
 * says it builds on is signed by nobody, so the signed versions and predecessors must agree, too: else an old proposal
 * with all its signatures could be published again.
 *
 * @throws CliError `proposal/stale`.
 */
export async function refuseStale(
  repository: Repository,
  { id, file, base, draft }: Proposal,
): Promise<void> {
  const now = baseOf(repository, draft)
  const moved = Object.keys(now).filter((name) => now[name] !== base[name])
  const changed = new Set([...moved, ...(await overtaken(repository, draft))])
  if (changed.size === 0) return
  throw new CliError(
    'proposal/stale',
    `Proposal ${id} no longer fits: somebody changed ${[...changed].join(', ')} since it was made. Nothing was signed. ` +
      `Run the command that proposed it again, and delete this one (${file}, and others of its id beside it).`,
  )
}

/** The parts of a draft that its signed bytes do not put right after what is there. */
async function overtaken(repository: Repository, draft: Draft): Promise<readonly string[]> {
  const { root, snapshot } = repository
  const documents = await Promise.all(
    draft.changes.map(async (change) => ((await follows(repository, change)) ? [] : [change.target])),
  )
  return [
    ...(draft.root && draft.root.signed.version !== root.version + 1 ? ['root'] : []),
    ...rolesNotAbove(snapshot, draft),
    ...documents.flat(),
  ]
}

async function follows(repository: Repository, { target, bytes }: Change): Promise<boolean> {
  const [, kind, text = ''] = /^(models|rollouts)\/(.+)\.json$/.exec(target) ?? []
  if (kind === undefined) {
    throw new CliError('proposal/invalid', `The proposal has ${target}, which is no document of a model.`)
  }
  const name = modelName(text)
  const names = (hash: Sha256 | undefined, current: { readonly sha256: Sha256 } | undefined): boolean =>
    hash === current?.sha256
  return kind === 'models'
    ? names(parseModelIndex(bytes, name).predecessor, await findIndex(repository, name))
    : names(parseRollout(bytes, name).predecessor, await findRollout(repository, name))
}
