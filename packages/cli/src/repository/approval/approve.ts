import { CliError } from '../../errors.js'
import { shortfallsOf, signDraft, type Shortfall } from '../write/draft.js'
import { describeProposal } from './describe-proposal.js'
import { findKeys, keysFolder, settleKeyFiles } from '../keys/keys.js'
import { openFiles, type RepositoryLocation } from '../files/location.js'
import { openRepository, type Repository } from '../read/open.js'
import {
  deleteProposal,
  readProposal,
  readProposals,
  signatureCount,
  writeApproval,
  type Proposal,
} from '../write/proposal.js'
import { publishDraft, type Committed } from '../write/publish-draft.js'
import { refuseStale } from './refuse-stale.js'
import { settle } from '../write/settle.js'
import { trustedKeyIds } from '../read/trusted-keys.js'

/** What became of a proposal. */
export type Approved = ProposalStatus &
  (
    | { readonly status: 'committed'; readonly committed: Committed }
    /** Signatures are missing, or, with none missing, the ops keys are not at hand here. */
    | { readonly status: 'waiting'; readonly waitsFor: 'release' | 'ops' }
  )

export interface ProposalStatus {
  readonly id: string
  readonly file: string
  /** What it would do, one sentence each, told from the very bytes that are signed. */
  readonly does: readonly string[]
  readonly lacking: readonly Shortfall[]
}

export interface ApproveOptions extends RepositoryLocation {
  /** Which proposal; may be left out while there is one. */
  readonly id?: string | undefined
  readonly now?: Date | undefined
}

/** The proposals that wait, in words. Signs nothing. */
export async function listProposals(location: RepositoryLocation): Promise<readonly ProposalStatus[]> {
  const repository = await openRepository(openFiles(location))
  const proposals = await readProposals(pendingFolder(repository))
  return Promise.all(proposals.map((proposal) => listed(repository, proposal)))
}

/**
 * Signs a proposal with the release keys at hand, once it is told whole what it would do. The signature that completes
 * it also publishes it. What is refused leaves the proposal's files as they were.
 *
 * @throws CliError `proposal/missing`, `proposal/stale`, `proposal/invalid`, `keys/…`.
 * @example
 * const approved = await approve({ repo, keys: '/media/stick/keys' })
 * if (approved.status === 'waiting') console.log(approved.lacking)
 */
export async function approve(options: ApproveOptions): Promise<Approved> {
  return approveAfter(options, () => Promise.resolve())
}

/** Like {@link approve}; signs only after `confirm`, which may throw, has seen what would be signed. */
export async function approveAfter(
  options: ApproveOptions,
  confirm: (status: ProposalStatus) => Promise<void>,
): Promise<Approved> {
  const now = options.now ?? new Date()
  const folder = keysFolder(options.repo, options.keys)
  const [release, ops] = [await findKeys(folder, 'release'), await findKeys(folder, 'ops')]
  const files = openFiles(options)
  const repository = ops.keys.length > 0 ? await settle(files, ops, now) : await openRepository(files)
  const proposal = await choose(pendingFolder(repository), options.id)
  await refuseStale(repository, proposal)

  const told = await statusOf(repository, proposal, now)
  const before = told.lacking
  if (before.length > 0 && release.keys.length === 0) {
    throw new CliError(
      'keys/missing',
      `There is no release key in ${folder}. Name the folder that holds yours with --keys or AFIELD_KEYS.`,
    )
  }
  await confirm(told)
  const draft = await signDraft(repository, proposal.draft, release.keys)
  const adds = signatureCount(draft) > signatureCount(proposal.draft)
  if (before.length > 0 && !adds) {
    throw new CliError(
      'keys/wrong',
      `The release keys in ${folder} cannot add to proposal ${proposal.id}: they have signed it already, or this ` +
        'repository does not trust them. Another key has to approve.',
    )
  }
  const signed = adds ? await writeApproval(pendingFolder(repository), { ...proposal, draft }) : proposal
  const status = { ...told, file: signed.file, lacking: await shortfallsOf(repository, signed.draft) }
  if (status.lacking.length > 0) return { ...status, status: 'waiting', waitsFor: 'release' }
  if (ops.keys.length === 0) return { ...status, status: 'waiting', waitsFor: 'ops' }

  const committed = await publishDraft(repository, signed.draft, ops, now)
  await deleteProposal(signed)
  if (draft.root) await settleKeyFiles(folder, await trustedKeyIds(await openRepository(files)))
  return { ...status, status: 'committed', committed }
}

async function choose(folder: string, id: string | undefined): Promise<Proposal> {
  if (id !== undefined) return readProposal(folder, id)
  const [first, ...others] = await readProposals(folder)
  if (!first) throw new CliError('proposal/missing', `No proposal waits in ${folder}.`)
  if (others.length === 0) return first
  const ids = [first, ...others].map((proposal) => proposal.id).join(', ')
  throw new CliError('usage', `Several proposals wait: ${ids}. Name one: afield approve ${first.id}`)
}

/** One that nobody should sign hides no other. */
async function listed(repository: Repository, proposal: Proposal): Promise<ProposalStatus> {
  try {
    return await statusOf(repository, proposal, new Date())
  } catch (error) {
    if (!(error instanceof CliError) || error.code !== 'proposal/invalid') throw error
    const { id, file, draft } = proposal
    return { id, file, does: [error.message], lacking: await shortfallsOf(repository, draft) }
  }
}

async function statusOf(
  repository: Repository,
  { id, file, draft }: Proposal,
  now: Date,
): Promise<ProposalStatus> {
  return {
    id,
    file,
    does: await describeProposal(repository, draft, now),
    lacking: await shortfallsOf(repository, draft),
  }
}

function pendingFolder({ files }: Repository): string {
  if (files.pending !== undefined) return files.pending
  throw new CliError('usage', 'There is no folder of proposals. Name one with --proposals.')
}
