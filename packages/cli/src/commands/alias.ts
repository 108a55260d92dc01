import type { Command } from 'commander'
import { CliError } from '../errors.js'
import { changeRollout } from '../rollout/change.js'
import { describeChange } from '../rollout/sentence.js'
import { addExample, addWriteOptions, type WriteOptions } from './options.js'
import { print, refreshLine } from './print.js'

interface AliasOptions extends WriteOptions {
  readonly delete?: true
}

export function addAlias(program: Command): void {
  const command = program
    .command('alias')
    .description('name a version for apps to load by: load(model, { version: alias })')
    .argument('<model>')
    .argument('<alias>', 'a-z, 0-9 and -, beginning with a letter')
    .argument('[version]', 'what it means from now on')
    .option('--delete', 'take the name away')
  addWriteOptions(command)
  addExample(command, 'afield alias learner-risk beta 2.0.0', 'afield alias learner-risk beta --delete')
  command.action(async (model: string, alias: string, version: string | undefined, options: AliasOptions) => {
    if ((version === undefined) !== (options.delete === true)) {
      throw new CliError('usage', 'Give a version, or --delete to take the alias away.')
    }
    const action = { kind: 'alias', alias, version } as const
    const changed = await changeRollout(options, model, action)
    const { rollout, previous, repositoryVersion, refreshBy } = changed
    print(options, { model: changed.model, rollout, repositoryVersion, refreshBy }, [
      describeChange(action, rollout, previous),
      refreshLine(refreshBy),
    ])
  })
}
