import process from 'node:process'
import type { Command } from 'commander'
import { CliError } from '../errors.js'
import {
  approveAfter,
  listProposals,
  type Approved,
  type ProposalStatus,
} from '../repository/approval/approve.js'
import { agrees } from './confirm.js'
import { Exit } from './exit.js'
import {
  addExample,
  addJsonOption,
  addKeysOption,
  addProposalsOption,
  addRepositoryOption,
  type RepositoryOptions,
} from './options.js'
import { complain, print, refreshLine } from './print.js'

interface ApproveCommandOptions extends RepositoryOptions {
  readonly list?: true
  readonly yes?: true
}

export function addApprove(program: Command): void {
  const command = program
    .command('approve')
    .description(
      'say what a proposal would do, ask, and add your signature; the last one needed publishes it',
    )
    .argument('[proposal]', 'its id; may be left out while only one waits and a person is asked')
    .option('--list', 'only say what waits')
    .option('--yes', 'sign without asking; where nobody can be asked, this or the id is needed')
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
    refuseBlind(id, options)
    const approved = await approveAfter({ ...options, id }, (status) => tellAndAsk(status, options))
    print(options, approved, [...(approved.lacking.length > 0 ? waits(approved) : []), ...outcome(approved)])
    if (approved.status === 'waiting') throw new Exit(3)
  })
}

/** Whoever cannot be asked has to have said which proposal they mean, or that they mean any. */
function refuseBlind(id: string | undefined, { yes }: ApproveCommandOptions): void {
  if (id !== undefined || yes || process.stdin.isTTY) return
  throw new CliError(
    'usage',
    'Nobody can be asked here. Look with afield approve --list, then name the proposal, or pass --yes.',
  )
}

/** On stderr with `--json`, where it disturbs no JSON. */
async function tellAndAsk(
  status: ProposalStatus,
  { json, yes }: Pick<ApproveCommandOptions, 'json' | 'yes'>,
): Promise<void> {
  const asks = !yes && process.stdin.isTTY
  if (!json) print({}, {}, describe(status))
  else if (asks) complain(describe(status).join('\n'))
  if (!asks || (await agrees('Sign it? (y/N) ', process.stdin, process.stderr))) return
  complain('Nothing was signed.')
  throw new Exit(1)
}

function describe(status: ProposalStatus): readonly string[] {
  return [`Proposal ${status.id}:`, ...status.does.map((sentence) => `  ${sentence}`), ...waits(status)]
}

function waits({ lacking }: ProposalStatus): readonly string[] {
  const parts = lacking.map(({ name, have, need }) => `${name} has ${have} of ${need} signatures`)
  return [parts.length > 0 ? `Waits: ${parts.join('; ')}.` : 'It has every release signature it needs.']
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
    ? [`Signed. Whoever holds the ops key publishes it with: afield approve ${approved.id}`]
    : [`Signed. The next one runs: afield approve ${approved.id}`]
}
