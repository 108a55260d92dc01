import { CliError } from '../../errors.js'
import { shortfallsOf, type Draft, type Shortfall } from './draft.js'
import type { Repository } from '../read/open.js'
import { newProposalId, writeProposal, type Proposal } from './proposal.js'

/** Nothing went wrong, and nothing is published yet: others have to approve first. The command exits with 3. */
export class ProposalWaiting extends CliError {
  constructor(
    readonly proposal: Proposal,
    readonly lacking: readonly Shortfall[],
  ) {
    super('proposal/waiting', sentence(proposal, lacking))
  }
}

/** Writes a draft down as a proposal, for {@link ProposalWaiting} to be thrown. */
export async function propose(repository: Repository, draft: Draft, now: Date): Promise<ProposalWaiting> {
  const folder = repository.files.pending
  if (folder === undefined) {
    throw new CliError('usage', 'There is no folder for the proposal. Name one with --proposals.')
  }
  const proposal = await writeProposal(folder, {
    id: newProposalId(),
    created: now.toISOString(),
    base: baseOf(repository, draft),
    draft,
  })
  return new ProposalWaiting(proposal, await shortfallsOf(repository, draft))
}

/** The versions that a draft builds on. */
export function baseOf({ root, snapshot }: Repository, draft: Draft): Readonly<Record<string, number>> {
  const roles = [...draft.roles.keys()].map((name) => [name, snapshot.meta[`${name}.json`]?.version ?? 0])
  return { root: root.version, ...(Object.fromEntries(roles) as Record<string, number>) }
}

function sentence({ id, file }: Proposal, lacking: readonly Shortfall[]): string {
  const [first] = lacking
  const have = first
    ? `It has ${first.have} of ${first.need} signatures.`
    : 'It has all signatures of the release.'
  return (
    `Nothing is published yet: proposal ${id} waits for approvals. ${have} ` +
    `Whoever holds another key runs:\n  afield approve ${id}\nThe proposal is ${file}; carry it to them if they share no disk with you.`
  )
}
