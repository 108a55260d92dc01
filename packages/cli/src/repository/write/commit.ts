import { CliError } from '../../errors.js'
import {
  draftOf,
  shortfallsOf,
  signDraft,
  type Change,
  type Draft,
  type Plan,
  type Shortfall,
} from './draft.js'
import { groupOf, type KeyName } from '../keys/key-names.js'
import { foreignKey, type Signer } from '../keys/keys.js'
import { listingRoles, parentOf, type Repository } from '../read/open.js'
import { propose } from './propose.js'
import { publishDraft, type Committed } from './publish-draft.js'
import { isDue } from '../keys/sign.js'

export type { Change } from './draft.js'
export type { Committed } from './publish-draft.js'

/** The keys at hand. Rollouts need only `ops`. */
export interface Signers {
  readonly ops: Signer
  readonly release?: Signer | undefined
}

/**
 * Signs and publishes changed documents, however many, as one new version of the repository; see `publishDraft` for
 * the order of the writes.
 *
 * @throws CliError `repository/conflict` when somebody else wrote since the repository was opened; `keys/missing`,
 *   `keys/wrong`; `proposal/waiting` when others have to sign, too: nothing is published then, and a proposal waits.
 */
export async function commit(
  repository: Repository,
  changes: Change | readonly Change[],
  signers: Signers,
  now: Date,
): Promise<Committed> {
  return commitPlan(repository, { changes: 'target' in changes ? [changes] : changes }, signers, now)
}

/** Like {@link commit}, also for roots, delegations and roles that are only signed anew. */
export async function commitPlan(
  repository: Repository,
  plan: Plan,
  signers: Signers,
  now: Date,
): Promise<Committed> {
  const keys = [...signers.ops.keys, ...(signers.release?.keys ?? [])]
  const asked = await signDraft(repository, await draftOf(repository, plan, now), keys)
  const lacking = await shortfallsOf(repository, asked)
  refuseUnsigned(lacking, signers)
  const renewals = await renewalsBeside(repository, asked, signers, now)
  const draft = { ...asked, roles: new Map([...asked.roles, ...renewals.roles]) }
  if (lacking.length > 0) throw await propose(repository, asked, now)
  return publishDraft(repository, draft, signers.ops, now)
}

/** What no write of its own may renew in time is renewed along with another, where the keys at hand suffice. */
async function renewalsBeside(
  repository: Repository,
  asked: Draft,
  { ops, release }: Signers,
  now: Date,
): Promise<Draft> {
  const due = (await dueRoles(repository, now)).filter((name) => !asked.roles.has(name))
  const drafted = await draftOf(repository, { resign: due }, now)
  const signed = await signDraft(repository, { ...drafted, root: asked.root }, [
    ...ops.keys,
    ...(release?.keys ?? []),
  ])
  const lacking = new Set((await shortfallsOf(repository, signed)).map(({ name }) => name))
  return { ...drafted, roles: new Map([...signed.roles].filter(([name]) => !lacking.has(name))) }
}

/** The roles in the second half of their life. */
export async function dueRoles(repository: Repository, now: Date): Promise<readonly string[]> {
  const names = await listingRoles(repository)
  const due = await Promise.all(names.map(async (name) => isDue('targets', await repository.role(name), now)))
  return names.filter((_, i) => due[i])
}

/** Refuses where a proposal would not help: the keys of a part are not here, or are another repository's. */
function refuseUnsigned(lacking: readonly Shortfall[], signers: Signers): void {
  for (const { name, have } of lacking) {
    const group = groupOfRole(name)
    if (!signers[group]?.keys.length) {
      throw new CliError(
        'keys/missing',
        group === 'release'
          ? 'Only the release key can change what is published.'
          : 'The ops key is not at hand. Name the folder that holds it with --keys or AFIELD_KEYS.',
      )
    }
    if (have === 0 || group === 'ops') throw foreignKey(name)
  }
}

/** Which keys sign a role. */
export function groupOfRole(name: string): KeyName {
  const top = parentOf(name) === 'targets' ? name : parentOf(name)
  if (top === 'models' || top === 'targets' || top === 'root') return groupOf('targets')
  return 'ops'
}
