import type { Root } from '@afield/protocol'
import { changeOf, type Attribution } from '../write/change.js'
import { commitPlan, dueRoles, groupOfRole, type Signers } from '../write/commit.js'
import { findKeys, keysFolder, readKey } from '../keys/keys.js'
import { openFiles, type RepositoryLocation } from '../files/location.js'
import { listingRoles, type Repository } from '../read/open.js'
import { readProposals } from '../write/proposal.js'
import { ProposalWaiting, baseOf } from '../write/propose.js'
import { withRootChange } from '../write/root-change.js'
import { settle } from '../write/settle.js'
import { shortfallsOf, type Shortfall } from '../write/draft.js'
import { earliest, expiryAt, isDue, type Metadata } from '../keys/sign.js'

export interface Refreshed {
  /** The roles that were signed anew; none when nothing was due. */
  readonly renewed: readonly string[]
  /** What is due and needs a key that is not at hand. */
  readonly waiting: readonly string[]
  /** What of that expires within 30 days, or has: devices stop believing the repository then. */
  readonly expiring: readonly string[]
  /** Waits for further release keys, and would renew what the release key signs. */
  readonly proposal?: RenewalProposal
  readonly repositoryVersion: number
  readonly refreshBy: string
}

interface RenewalProposal {
  readonly id: string
  readonly file: string
  readonly lacking: readonly Shortfall[]
}

/** A machine that cannot renew something has to say so this long before it expires. */
const NOTICE_MS = 30 * 86_400_000

/**
 * Signs anew what is in the second half of its life, so that nothing expires while nobody publishes. Does nothing
 * when nothing is due, and can run as often as one likes. Needs only the ops key; what the release key signs lives a
 * year, and is renewed where that key is at hand. Where several release keys have to sign and some are here, a
 * proposal waits for the others.
 *
 * @throws CliError `keys/…`, `repository/…`.
 */
export async function refresh(options: RepositoryLocation & Attribution): Promise<Refreshed> {
  const now = options.now ?? new Date()
  const folder = keysFolder(options.repo, options.keys)
  const signers = { ops: await readKey(folder, 'ops'), release: await findKeys(folder, 'release') }
  const files = openFiles(options)
  const before = await settle(files, signers.ops, now)
  const due = await dueParts(before, now)

  const alone = holdsRelease(before, signers)
  const mine = due.filter((name) => alone || !isRelease(name))
  if (mine.length > 0) {
    const change = await changeOf(options, 'refresh', now)
    const root = mine.includes('root') ? withRootChange(renewedRoot(before.root, now), change) : undefined
    await commitPlan(before, root ? { root } : {}, signers, now)
  }
  const after = mine.length > 0 ? await settle(files, signers.ops, now) : before
  const renewed = await renewedParts(before, after, due)
  const theirs = due.filter((name) => !renewed.includes(name))
  const proposal =
    theirs.some(isRelease) && signers.release.keys.length > 0
      ? await proposeRenewal(after, theirs.filter(isRelease), signers, options, now)
      : undefined
  return {
    renewed,
    waiting: theirs,
    expiring: await expiringOf(after, theirs, now),
    ...(proposal ? { proposal } : {}),
    repositoryVersion: after.snapshot.version,
    refreshBy: await expiryOf(after),
  }
}

/** The parts of a repository in the second half of their life. */
async function dueParts(repository: Repository, now: Date): Promise<readonly string[]> {
  const top = (['root', 'snapshot', 'timestamp'] as const).filter((role) =>
    isDue(role, repository[role], now),
  )
  return [...top, ...(await dueRoles(repository, now))]
}

async function renewedParts(
  before: Repository,
  after: Repository,
  due: readonly string[],
): Promise<readonly string[]> {
  const versionOf = async (repository: Repository, name: string): Promise<number> =>
    (await partOf(repository, name)).version
  const renewed = await Promise.all(
    due.map(async (name) => (await versionOf(after, name)) > (await versionOf(before, name))),
  )
  return due.filter((_, i) => renewed[i])
}

async function expiringOf(
  repository: Repository,
  names: readonly string[],
  now: Date,
): Promise<readonly string[]> {
  const found: string[] = []
  for (const name of names) {
    const { expires } = await partOf(repository, name)
    if (Date.parse(expires) - now.getTime() <= NOTICE_MS) found.push(name)
  }
  return found
}

async function partOf(repository: Repository, name: string): Promise<Metadata> {
  if (name === 'root' || name === 'snapshot' || name === 'timestamp') return repository[name]
  return repository.role(name)
}

function isRelease(name: string): boolean {
  return groupOfRole(name) === 'release'
}

/** Whether the release keys at hand can renew without anybody else. */
function holdsRelease({ root }: Repository, { release }: Signers): boolean {
  const ids = release?.keys.map(({ keyId }) => keyId) ?? []
  return [root.roles.root, root.roles.targets].every(
    ({ keyids, threshold }) => keyids.filter((id) => ids.includes(id)).length >= threshold,
  )
}

function renewedRoot(root: Root, now: Date): Root {
  return { ...root, version: root.version + 1, expires: expiryAt('root', now) }
}

/** A renewal that was proposed before and still fits is not proposed again. */
async function proposeRenewal(
  repository: Repository,
  names: readonly string[],
  signers: Signers,
  options: Attribution,
  now: Date,
): Promise<RenewalProposal | undefined> {
  for (const proposal of await readProposals(repository.files.pending ?? '')) {
    const { draft, base } = proposal
    const current = baseOf(repository, draft)
    const fits = Object.entries(current).every(([name, version]) => base[name] === version)
    const covers = names.every((name) => (name === 'root' ? draft.root !== undefined : draft.roles.has(name)))
    if (!fits || !covers || draft.changes.length > 0) continue
    return { id: proposal.id, file: proposal.file, lacking: await shortfallsOf(repository, draft) }
  }
  const change = await changeOf(options, 'refresh', now)
  const root = names.includes('root') ? withRootChange(renewedRoot(repository.root, now), change) : undefined
  const resign = names.filter((name) => name !== 'root')
  try {
    await commitPlan(repository, { ...(root ? { root } : {}), resign }, signers, now)
    return undefined
  } catch (error) {
    if (!(error instanceof ProposalWaiting)) throw error
    const { proposal, lacking } = error
    return { id: proposal.id, file: proposal.file, lacking }
  }
}

async function expiryOf(repository: Repository): Promise<string> {
  const names = await listingRoles(repository)
  const roles = await Promise.all(names.map((name) => repository.role(name)))
  const { root, snapshot, timestamp } = repository
  return earliest([root, snapshot, timestamp, ...roles].map(({ expires }) => expires))
}
