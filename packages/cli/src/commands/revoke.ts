import type { Command } from 'commander'
import { CliError } from '../errors.js'
import { revoke } from '../repository/governance/restrict.js'
import { addExample, addProposalsOption, addWriteOptions, type WriteOptions } from './options.js'
import { print, refreshLine } from './print.js'
import { parseReference } from './reference.js'

export function addRevoke(program: Command): void {
  const command = program
    .command('revoke')
    .description('never let a version run again, on any device; needs the release key and a --reason')
    .argument('<model@version>')
  addWriteOptions(command)
  addProposalsOption(command)
  addExample(command, 'afield revoke learner-risk@1.0.0 --reason "trained on the wrong table"')
  command.action(async (reference: string, options: WriteOptions) => {
    const { model, version } = parseReference(reference)
    if (version === undefined) {
      throw new CliError('usage', `Name the version: afield revoke ${model}@VERSION --reason WHY`)
    }
    const revoked = await revoke(options, model, version)
    print(options, revoked, [
      `${revoked.model}@${revoked.version} is revoked: devices stop running it at their next check.`,
      revoked.serves,
      refreshLine(revoked.refreshBy),
    ])
  })
}
