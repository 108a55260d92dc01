import type { Command } from 'commander'
import { setMinVersion } from '../repository/governance/restrict.js'
import { addExample, addProposalsOption, addWriteOptions, type WriteOptions } from './options.js'
import { print, refreshLine } from './print.js'

export function addMinVersion(program: Command): void {
  const command = program
    .command('min-version')
    .description('set the oldest version of a model that may run; needs the release key')
    .argument('<model>')
    .argument('<version>')
  addWriteOptions(command)
  addProposalsOption(command)
  addExample(command, 'afield min-version learner-risk 2.0.0 --reason "older ones read the old form"')
  command.action(async (model: string, version: string, options: WriteOptions) => {
    const set = await setMinVersion(options, model, version)
    print(options, set, [
      `No version of ${set.model} before ${set.version} runs any more.`,
      set.serves,
      refreshLine(set.refreshBy),
    ])
  })
}
