import {
  checkBytes,
  compareVersions,
  parseModelIndex,
  parseRollout,
  type ModelIndex,
  type Root,
  type RoleKeys,
  type Rollout,
  type Targets,
  type Version,
} from '@afield/protocol'
import { CliError } from '../../errors.js'
import { plainLine } from '../../plain-text.js'
import { describeRollout } from '../../rollout/sentence.js'
import { findIndex, modelName } from '../read/documents.js'
import type { Change, Draft } from '../write/draft.js'
import { parentOf, roleListing, type Repository } from '../read/open.js'
import { refuseHidden } from './refuse-hidden.js'
import { refuseHiddenIndex } from './refuse-hidden-index.js'
import { rootChange } from '../write/root-change.js'
import { earliest } from '../keys/sign.js'

/**
 * What a draft would do, in words, told from the very bytes that would be signed and never from what a proposal says
 * of itself.
 *
 * @throws CliError `proposal/invalid` when it would sign anything that the words do not tell.
 */
export async function describeProposal(
  repository: Repository,
  draft: Draft,
  now: Date,
): Promise<readonly string[]> {
  const sentences: string[] = []
  for (const change of draft.changes) sentences.push(...(await describeDocument(repository, draft, change)))
  if (draft.root) sentences.push(...describeRoot(repository.root, draft.root.signed))
  for (const [name, { signed }] of draft.roles) {
    sentences.push(...describeDelegations(await repository.role(name), signed, name))
  }
  await refuseHidden(repository, draft, now)
  return [...sentences, ...describeRenewals(draft)].map(plainLine)
}

/** What is only signed anew; bins by their number. */
function describeRenewals({ changes, roles }: Draft): readonly string[] {
  if (changes.length > 0 || roles.size === 0) return []
  const counts = new Map<string, number>()
  for (const name of roles.keys()) {
    const parent = parentOf(name)
    const group = parent === 'targets' ? name : `bins of ${parent}`
    counts.set(group, (counts.get(group) ?? 0) + 1)
  }
  const groups = [...counts].map(([group, count]) => (group.startsWith('bins') ? `${count} ${group}` : group))
  const until = earliest([...roles.values()].map(({ signed }) => signed.expires)).slice(0, 10)
  return [`Signs anew until ${until}: ${groups.join(', ')}.`]
}

async function describeDocument(
  repository: Repository,
  { roles }: Draft,
  { target, bytes }: Change,
): Promise<readonly string[]> {
  const listed = roles.get(await roleListing(repository, target))?.signed.targets[target]
  if (!listed) throw new CliError('proposal/invalid', `The proposal's metadata does not list ${target}.`)
  await checkBytes(target, bytes, listed)
  const name = modelName(target.replace(/^(models|rollouts)\/|\.json$/g, ''))
  if (target.startsWith('rollouts/')) return describeRolloutWhole(parseRollout(bytes, name))
  const index = parseModelIndex(bytes, name)
  const by = `${index.change.author}, ${index.change.at}: ${index.change.reason}`
  const before = (await findIndex(repository, name))?.document
  await refuseHiddenIndex(repository, before, index, bytes)
  const differences = describeIndexChange(before, index)
  return [...differences, `By ${by}`]
}

function describeRolloutWhole(rollout: Rollout): readonly string[] {
  const { epoch, seed, steps, aliases = {}, change } = rollout
  const named = Object.entries(aliases).map(([alias, version]) => `"${alias}" is ${version}`)
  return [
    describeRollout(rollout),
    `Its epoch is ${epoch}, its seed ${seed}, its steps in hundredths of a percent: ${steps.join(', ') || 'none'}.`,
    ...(named.length > 0 ? [`${named.join(', ')}.`] : []),
    `By ${change.author}, ${change.at}: ${change.reason}`,
  ]
}

/** What one index changes against the one before. */
export function describeIndexChange(before: ModelIndex | undefined, after: ModelIndex): readonly string[] {
  const sentences: string[] = []
  for (const version of versionsOf(before, after)) {
    const [old, next] = [before?.versions[version], after.versions[version]]
    if (!old && next) {
      sentences.push(`Adds ${after.name}@${version} (descriptor ${next.descriptor.sha256}).`)
    } else if (old && !next) {
      sentences.push(`REMOVES ${after.name}@${version} from the index.`)
    } else if (old && next && old.descriptor.sha256 !== next.descriptor.sha256) {
      sentences.push(
        `REPLACES what ${after.name}@${version} is (descriptor ${next.descriptor.sha256}, before: ${old.descriptor.sha256}).`,
      )
    }
    if (!old?.revoked && next?.revoked) {
      sentences.push(`Revokes ${after.name}@${version}: ${next.revoked.reason}`)
    }
    if (old?.revoked && !next?.revoked)
      sentences.push(`TAKES BACK the revocation of ${after.name}@${version}.`)
  }
  if (before?.minVersion !== after.minVersion) {
    const from = before?.minVersion === undefined ? '' : ` (before: ${before.minVersion})`
    sentences.push(`The oldest version of ${after.name} that may run is ${after.minVersion ?? 'any'}${from}.`)
  }
  return sentences.length > 0 ? sentences : [`Signs the index of ${after.name} anew.`]
}

function versionsOf(...indexes: readonly (ModelIndex | undefined)[]): readonly Version[] {
  const all = indexes.flatMap((index) => Object.keys(index?.versions ?? {}) as Version[])
  return [...new Set(all)].sort(compareVersions)
}

/** What a root changes against the one before. */
export function describeRoot(before: Root, after: Root): readonly string[] {
  const roles = (['root', 'targets', 'snapshot', 'timestamp'] as const).filter(
    (role) => JSON.stringify(before.roles[role]) !== JSON.stringify(after.roles[role]),
  )
  const change = rootChange(after)
  return [
    `Root version ${after.version}, valid until ${after.expires.slice(0, 10)}.`,
    ...roles.map((role) => `The role ${role}: ${keysInWords(before.roles[role], after.roles[role])}.`),
    ...(change ? [`By ${change.author}, ${change.at}: ${change.reason}`] : []),
  ]
}

/** Every delegation that changed; what goes beyond keys and thresholds is refused besides. */
function describeDelegations(before: Targets, after: Targets, name: string): readonly string[] {
  if (JSON.stringify(before.delegations) === JSON.stringify(after.delegations)) return []
  const [old, next] = [delegatedRoles(before), delegatedRoles(after)]
  const removed = [...old.keys()].filter((role) => !next.has(role))
  const nobody: RoleKeys = { keyids: [], threshold: 1 }
  return [
    ...removed.map((role) => `REMOVES what ${name} delegates to ${role}.`),
    ...[...next].map(
      ([role, { keys, scope }]) =>
        `The role ${role}, for ${scope}, which ${name} delegates to: ${keysInWords(old.get(role)?.keys ?? nobody, keys)}.`,
    ),
  ]
}

interface Delegated {
  readonly keys: RoleKeys
  readonly scope: string
}

function delegatedRoles({ delegations }: Targets): ReadonlyMap<string, Delegated> {
  const bins = delegations?.succinct_roles
  return new Map([
    ...(delegations?.roles ?? []).map((role): [string, Delegated] => [
      role.name,
      { keys: role, scope: (role.paths ?? role.path_hash_prefixes ?? []).join(', ') },
    ]),
    ...(bins
      ? [[bins.name_prefix, { keys: bins, scope: `${2 ** bins.bit_length} bins` }] as [string, Delegated]]
      : []),
  ])
}

function keysInWords(before: RoleKeys, after: RoleKeys): string {
  const short = (ids: readonly string[]): string => ids.map((id) => id.slice(0, 12)).join(', ')
  const added = after.keyids.filter((id) => !before.keyids.includes(id))
  const removed = before.keyids.filter((id) => !after.keyids.includes(id))
  return [
    ...(added.length > 0 ? [`new keys ${short(added)}`] : []),
    ...(removed.length > 0 ? [`no longer ${short(removed)}`] : []),
    `${after.threshold} of ${after.keyids.length} must sign`,
  ].join(', ')
}
