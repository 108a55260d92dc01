import type { Command } from 'commander'
import { initRepository } from '../repository/init.js'
import { addExample, addJsonOption, addKeysOption, type RepositoryOptions } from './options.js'
import { print, refreshLine } from './print.js'

export function addInit(program: Command): void {
  const command = program
    .command('init')
    .description('make an empty repository and its two keys')
    .argument('[dir]', 'a new or empty folder', process.env['AFIELD_REPO'] ?? './afield-repo')
  addKeysOption(command)
  addJsonOption(command)
  addExample(command, 'afield init models-repo', 'afield init models-repo --keys ~/secrets/models')
  command.action(async (dir: string, options: Omit<RepositoryOptions, 'repo'>) => {
    const made = await initRepository({ repo: dir, keys: options.keys })
    print(options, made, [
      `Made the repository ${made.repo}`,
      `and its keys in ${made.keys}: release.pem decides what may run, ops.pem who gets which of it.`,
      'Back both up; never put them into the repository.',
      '',
      'Import this root into the app; it is what the app trusts:',
      `  ${made.root}`,
      'Then publish a model:',
      `  afield publish MODEL.onnx --version 1.0.0 --repo ${dir}${options.keys === undefined ? '' : ` --keys ${options.keys}`}`,
      refreshLine(made.refreshBy),
    ])
  })
}
