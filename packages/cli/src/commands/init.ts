import { basename } from 'node:path'
import { Option, type Command } from 'commander'
import { CliError } from '../errors.js'
import { initRepository } from '../repository/governance/init.js'
import { newPassphrase } from '../repository/keys/passphrase.js'
import { parseThreshold } from '../repository/keys/threshold.js'
import { addExample, addJsonOption, addKeysOption, type RepositoryOptions } from './options.js'
import { print, refreshLine } from './print.js'

interface InitCommandOptions extends Omit<RepositoryOptions, 'repo'> {
  readonly roles: 'two' | 'separate'
  readonly threshold?: string
  readonly bins?: string
  readonly ecdsa?: true
  readonly passphrase?: true
}

export function addInit(program: Command): void {
  const command = program
    .command('init')
    .description('make an empty repository and its keys')
    .argument('[dir]', 'a new or empty folder', process.env['AFIELD_REPO'] ?? './afield-repo')
    .addOption(
      new Option('--roles <roles>', 'two keys, release and ops, or a key for each role')
        .choices(['two', 'separate'])
        .default('two'),
    )
    .option('--threshold <m/n>', 'make n release keys, of which m must sign what may run, such as 2/3')
    .option('--bins <n>', 'spread a large catalogue over n bins: a power of two, 2 to 256')
    .option('--ecdsa', 'sign with ECDSA P-256, too, for browsers that know no Ed25519')
    .option('--passphrase', 'encrypt the key files (asked, or AFIELD_PASSPHRASE, or AFIELD_PASSPHRASE_FILE)')
  addKeysOption(command)
  addJsonOption(command)
  addExample(
    command,
    'afield init models-repo',
    'afield init models-repo --keys ~/secrets/models --passphrase',
    'afield init catalogue --bins 64 --threshold 2/3',
  )
  command.action(async (dir: string, options: InitCommandOptions) => {
    const { roles, ecdsa, keys } = options
    const made = await initRepository(
      { repo: dir, keys },
      {
        roles,
        ecdsa,
        threshold: options.threshold === undefined ? undefined : parseThreshold(options.threshold),
        bins: options.bins === undefined ? undefined : parseBins(options.bins),
        passphrase: options.passphrase ? await newPassphrase() : undefined,
      },
    )
    const names = made.keyFiles.map((file) => basename(file)).join(', ')
    print(options, made, [
      `Made the repository ${made.repo}`,
      `and its keys in ${made.keys}: ${names}.`,
      options.roles === 'two'
        ? 'The release key decides what may run, the ops key who gets which of it.'
        : 'Each signs the role that it is named after.',
      ...(options.threshold === undefined
        ? []
        : [`Give each release key to another person; ${options.threshold} must sign: afield approve`]),
      'Back them up; never put them into the repository.',
      '',
      'Import this root into the app; it is what the app trusts:',
      `  ${made.root}`,
      'Then publish a model:',
      `  afield publish MODEL.onnx --version 1.0.0 --repo ${dir}${keys === undefined ? '' : ` --keys ${keys}`}`,
      refreshLine(made.refreshBy),
    ])
  })
}

function parseBins(text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text)
  throw new CliError('usage', `"${text}" is not a number of bins, such as 64.`)
}
