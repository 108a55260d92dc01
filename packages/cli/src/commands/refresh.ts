import type { Command } from 'commander'
import { refresh } from '../repository/refresh.js'
import { addExample, addProposalsOption, addWriteOptions, type WriteOptions } from './options.js'
import { print, refreshLine } from './print.js'

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
  command.action(async (options: WriteOptions) => {
    const refreshed = await refresh(options)
    const { renewed, waiting, repositoryVersion, refreshBy } = refreshed
    print(options, refreshed, [
      renewed.length > 0
        ? `Signed anew: ${renewed.join(', ')}. The repository is at version ${repositoryVersion}.`
        : waiting.length > 0
          ? 'Nothing was signed.'
          : 'Nothing is due.',
      ...(waiting.length > 0 ? [`Due, and their keys are not here: ${waiting.join(', ')}.`] : []),
      refreshLine(refreshBy),
    ])
  })
}
