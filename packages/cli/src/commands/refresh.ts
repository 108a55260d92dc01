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
    const { renewed, waitsForRelease, repositoryVersion, refreshBy } = refreshed
    print(options, refreshed, [
      renewed.length > 0
        ? `Signed anew: ${renewed.join(', ')}. The repository is at version ${repositoryVersion}.`
        : 'Nothing is due.',
      ...(waitsForRelease.length > 0
        ? [`Run it with the release key, too, for: ${waitsForRelease.join(', ')}.`]
        : []),
      refreshLine(refreshBy),
    ])
  })
}
