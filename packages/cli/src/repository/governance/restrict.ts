import {
  AfieldError,
  VersionSchema,
  jsonBytes,
  parseModelIndex,
  type ModelIndex,
  type ModelName,
  type Version,
} from '@afield/protocol'
import * as v from 'valibot'
import { CliError } from '../../errors.js'
import type { Attribution } from '../write/change.js'
import type { Committed } from '../write/commit.js'
import { findRollout, modelName, requireSignedIndex } from '../read/documents.js'
import { indexTarget } from '../files/layout.js'
import type { RepositoryLocation } from '../files/location.js'
import { describeServing } from '../read/serving.js'
import { openWrite, type OpenWrite } from '../write/write.js'

export interface Restricted extends Committed {
  readonly model: ModelName
  readonly version: Version
  /** What devices run from now on, in a sentence. */
  readonly serves: string
}

/**
 * Revokes a version: it never runs again on any device that hears of it, cached or not. Needs the release key.
 *
 * @throws CliError `usage` without a reason; AfieldError `model/not-found`, `model/revoked` when it is already.
 */
export async function revoke(
  options: RepositoryLocation & Attribution,
  model: string,
  version: string,
): Promise<Restricted> {
  const { reason } = options
  if (!reason) {
    throw new CliError('usage', 'Say why: --reason "answers are wrong". It is kept for the audit.')
  }
  const write = await openWrite(options, 'release', reason)
  return changeIndex(write, model, version, (index, known) => {
    const release = index.versions[known]
    if (!release) throw notFound(index, version)
    if (release.revoked) {
      const { at, author, reason: why } = release.revoked
      throw new AfieldError(
        'model/revoked',
        `${index.name}@${known} was revoked already, ${at} by ${author}: ${why}`,
      )
    }
    return { ...index, versions: { ...index.versions, [known]: { ...release, revoked: write.change } } }
  })
}

/**
 * Sets the oldest version of a model that may run. Needs the release key.
 *
 * @throws AfieldError `model/not-found` for a version that was never published.
 */
export async function setMinVersion(
  options: RepositoryLocation & Attribution,
  model: string,
  version: string,
): Promise<Restricted> {
  const write = await openWrite(options, 'release', `min-version ${version}`)
  return changeIndex(write, model, version, (index, known) => {
    if (!index.versions[known]) throw notFound(index, version)
    if (index.minVersion === known) {
      throw new CliError('usage', `${known} is the oldest version of ${index.name} that may run already.`)
    }
    return { ...index, minVersion: known }
  })
}

async function changeIndex(
  { repository, change, commitPlan }: OpenWrite,
  model: string,
  text: string,
  edit: (index: ModelIndex, version: Version) => ModelIndex,
): Promise<Restricted> {
  const name = modelName(model)
  const before = await requireSignedIndex(repository, name)
  const version = v.safeParse(VersionSchema, text)
  if (!version.success) throw notFound(before.document, text)
  const after = edit(before.document, version.output)
  const bytes = jsonBytes({ ...after, predecessor: before.sha256, change })
  const index = parseModelIndex(bytes, name)
  const committed = await commitPlan({ changes: [{ target: indexTarget(name), bytes }] })
  const rollout = await findRollout(repository, name)
  return {
    ...committed,
    model: name,
    version: version.output,
    serves: describeServing(index, rollout?.document),
  }
}

function notFound({ name, versions }: ModelIndex, text: string): AfieldError {
  const known = Object.keys(versions).join(', ') || 'none'
  return new AfieldError('model/not-found', `${name} has no version "${text}". It has: ${known}.`)
}
