import type { Command } from 'commander'
import { approve, listProposals, type Approved, type ProposalStatus } from '../repository/approve.js'
import { Exit } from './exit.js'
import {
  addExample,
  addJsonOption,
  addKeysOption,
  addProposalsOption,
  addRepositoryOption,
  type RepositoryOptions,
} from './options.js'
import { print, refreshLine } from './print.js'

interface ApproveCommandOptions extends RepositoryOptions {
  readonly list?: true
}

export function addApprove(program: Command): void {
  const command = program
    .command('approve')
    .description('say what a proposal would do and add your signature; the last one needed publishes it')
    .argument('[proposal]', 'its id; may be left out while only one waits')
    .option('--list', 'only say what waits')
  addRepositoryOption(command)
  addKeysOption(command)
  addProposalsOption(command)
  addJsonOption(command)
  addExample(
    command,
    'afield approve --list',
    'afield approve --keys /media/stick/keys',
    'afield approve 1f0c9a2b',
  )
  command.action(async (id: string | undefined, options: ApproveCommandOptions) => {
    if (options.list) {
      const proposals = await listProposals(options)
      const lines = proposals.flatMap((proposal) => [...describe(proposal), ''])
      return print(options, { proposals }, lines.length > 0 ? lines : ['No proposal waits.'])
    }
    const approved = await approve({ ...options, id })
    print(options, approved, [...describe(approved), ...outcome(approved)])
    if (approved.status === 'waiting') throw new Exit(3)
  })
}

function describe({ id, does, lacking }: ProposalStatus): readonly string[] {
  const waits = lacking.map(({ name, have, need }) => `${name} has ${have} of ${need} signatures`)
  return [
    `Proposal ${id}:`,
    ...does.map((sentence) => `  ${sentence}`),
    waits.length > 0 ? `Waits: ${waits.join('; ')}.` : 'It has every release signature it needs.',
  ]
}

function outcome(approved: Approved): readonly string[] {
  if (approved.status === 'committed') {
    const { repositoryVersion, refreshBy } = approved.committed
    return [
      `Signed and published. The repository is at version ${repositoryVersion}.`,
      refreshLine(refreshBy),
    ]
  }
  return approved.waitsFor === 'ops'
    ? ['Signed. Whoever holds the ops key publishes it with: afield approve']
    : ['Signed. The next one runs: afield approve']
}
