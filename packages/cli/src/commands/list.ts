import type { Command } from 'commander'
import { listModels } from '../repository/inspect/catalogue.js'
import { addExample, addJsonOption, addRepositoryOption, type RepositoryOptions } from './options.js'
import { formatBytes, print } from './print.js'

export function addList(program: Command): void {
  const command = program
    .command('list')
    .description('the models of a repository: newest version, what serves, bytes, expiry')
  addRepositoryOption(command)
  addJsonOption(command)
  addExample(command, 'afield list --repo models-repo')
  command.action(async (options: RepositoryOptions) => {
    const catalogue = await listModels(options)
    const { models, expires, repositoryVersion } = catalogue
    const expired = Date.parse(expires) <= Date.now()
    print(options, catalogue, [
      ...models.flatMap(({ name, newest, versions, bytes, serves }) => [
        `${name}  newest ${newest ?? 'none'} of ${versions}${bytes === undefined ? '' : `, ${formatBytes(bytes)}`}`,
        `  ${serves}`,
      ]),
      ...(models.length === 0 ? ['No model is published yet.'] : []),
      `The repository is at version ${repositoryVersion}; it ${expired ? 'EXPIRED' : 'expires'} ${expires.slice(0, 10)} unless somebody writes${expired ? ': afield refresh' : ''}.`,
    ])
  })
}
