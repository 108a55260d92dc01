import type { Command } from 'commander'
import { refresh, type Refreshed } from '../repository/governance/refresh.js'
import { Exit } from './exit.js'
import { addExample, addProposalsOption, addWriteOptions, type WriteOptions } from './options.js'
import { complain, print, refreshLine } from './print.js'

export function addRefresh(program: Command): void {
  const command = program
    .command('refresh')
    .description('sign anew what expires, so that devices go on believing it; run it weekly')
  addWriteOptions(command)
  addProposalsOption(command)
  addExample(
    command,
    'afield refresh --repo models-repo',
    '0 4 * * 1  afield refresh --repo /srv/models-repo',
  )
  command.addHelpText(
    'after',
    '\nIt ends with 0 also while something waits for keys that are elsewhere, or for approvals, so that a deploy may\n' +
      'follow it in cron; with 1 as soon as any of that expires within 30 days. The rest is renewed all the same.',
  )
  command.action(async (options: WriteOptions) => {
    const refreshed = await refresh(options)
    const { renewed, waiting, proposal, repositoryVersion, refreshBy } = refreshed
    const error = refusal(refreshed)
    print(options, { ...refreshed, ...(error ? { error } : {}) }, [
      renewed.length > 0
        ? `Signed anew: ${renewed.join(', ')}. The repository is at version ${repositoryVersion}.`
        : waiting.length > 0
          ? 'Nothing was signed.'
          : 'Nothing is due.',
      ...(waiting.length > 0 ? [`Due, and their keys are not here: ${waiting.join(', ')}.`] : []),
      ...(proposal
        ? [
            `Proposal ${proposal.id} would renew them; whoever holds another key runs: afield approve ${proposal.id}`,
          ]
        : []),
      refreshLine(refreshBy),
    ])
    if (!error) return
    if (!options.json) complain(`${error.code}: ${error.message}`)
    throw new Exit(1)
  })
}

/** What cron's mail is about: somebody has to bring a key, or the repository expires. */
function refusal({ expiring, proposal, refreshBy }: Refreshed) {
  if (expiring.length === 0) return undefined
  const what = `${expiring.join(', ')} could not be renewed here; devices accept nothing new after ${refreshBy.slice(0, 10)}. `
  return proposal
    ? { code: 'proposal/waiting', message: `${what}Approve the proposal: afield approve ${proposal.id}` }
    : { code: 'keys/missing', message: `${what}Run afield refresh where their keys are, then deploy.` }
}
