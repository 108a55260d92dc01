import { checkRolloutChange, jsonBytes, parseRollout, type ModelName, type Rollout } from '@afield/protocol'
import { changeOf, type Attribution } from '../repository/write/change.js'
import { commit, type Committed } from '../repository/write/commit.js'
import { findRollout, modelName, requireIndex } from '../repository/read/documents.js'
import { keysFolder, readKey } from '../repository/keys/keys.js'
import { rolloutTarget } from '../repository/files/layout.js'
import { openFiles, type RepositoryLocation } from '../repository/files/location.js'
import { openRepository } from '../repository/read/open.js'
import { settle } from '../repository/write/settle.js'
import type { RolloutAction } from './action.js'
import { applyAction } from './apply.js'

export interface RolloutChanged extends Committed {
  readonly model: ModelName
  readonly rollout: Rollout
  /** What was signed before; `undefined` for a model's first rollout. */
  readonly previous: Rollout | undefined
}

/**
 * Changes who gets which version of a model. Needs only the ops key.
 *
 * @throws AfieldError `rollout/invalid` for a change that makes no sense or that devices would refuse,
 *   `model/not-found`, `model/revoked`; CliError about keys and the repository. Nothing was signed then.
 * @example
 * await changeRollout({ repo }, 'learner-risk', { kind: 'start', candidate: '2.0.0', steps: [500, 2500, 10_000] })
 * await changeRollout({ repo, reason: 'p95 is fine' }, 'learner-risk', { kind: 'step' })
 */
export async function changeRollout(
  options: RepositoryLocation & Attribution,
  model: string,
  action: RolloutAction,
): Promise<RolloutChanged> {
  const now = options.now ?? new Date()
  const name = modelName(model)
  const ops = await readKey(keysFolder(options.repo, options.keys), 'ops')
  const repository = await settle(openFiles(options), ops, now)
  const index = await requireIndex(repository, name)
  const previous = await findRollout(repository, name)

  const change = await changeOf(options, `rollout ${action.kind}`, now)
  const next: Rollout = {
    ...applyAction(previous?.document, index, action),
    predecessor: previous?.sha256,
    change,
  }
  const bytes = jsonBytes(next)
  const rollout = parseRollout(bytes, name)
  if (previous) checkRolloutChange(previous.document, rollout)

  const committed = await commit(repository, { target: rolloutTarget(name), bytes }, { ops }, now)
  return { ...committed, model: name, rollout, previous: previous?.document }
}

/**
 * The signed rollout of a model; `undefined` when it never had one.
 *
 * @throws AfieldError `model/not-found`.
 */
export async function readRollout(
  location: Pick<RepositoryLocation, 'repo' | 'files'>,
  model: string,
): Promise<Rollout | undefined> {
  const name = modelName(model)
  const repository = await openRepository(openFiles(location))
  await requireIndex(repository, name)
  return (await findRollout(repository, name))?.document
}
