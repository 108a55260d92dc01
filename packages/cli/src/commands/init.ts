import { basename, relative } from 'node:path'
import { Option, type Command } from 'commander'
import { defaultModule, refuseImpossibleModule, writeAppModule, type AppModule } from '../app/app-module.js'
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
  /** False for `--no-app`. */
  readonly app?: string | false
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
    .option(
      '--app <module>',
      'write the module of your app there (default: src/afield.ts, where an app lies)',
    )
    .option('--no-app', 'write no module')
  addKeysOption(command)
  addJsonOption(command)
  addExample(
    command,
    'afield init models-repo',
    'afield init models-repo --keys ~/secrets/models --passphrase',
    'afield init models-repo --app src/models.ts',
    'afield init catalogue --bins 64 --threshold 2/3',
  )
  command.action(async (dir: string, options: InitCommandOptions) => {
    const { roles, ecdsa, keys } = options
    const module = options.app === false ? undefined : (options.app ?? (await defaultModule()))
    if (module !== undefined) await refuseImpossibleModule(module)
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
    const app = module === undefined ? undefined : await writeAppModule(module, made.root)
    const names = made.keyFiles.map((file) => basename(file)).join(', ')
    print(options, { ...made, ...(app ? { app } : {}) }, [
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
      ...trustLines(made.root, app),
      'Then publish a model:',
      `  afield publish MODEL.onnx --version 1.0.0 --repo ${dir}${keys === undefined ? '' : ` --keys ${keys}`}`,
      refreshLine(made.refreshBy),
    ])
  })
}

function trustLines(root: string, app: AppModule | undefined): readonly string[] {
  if (!app) return ['Import this root into the app; it is what the app trusts:', `  ${root}`]
  const [module, copy] = [app.module, app.root].map((path) => relative('.', path))
  return [
    app.written
      ? `Wrote ${module}, which exports afield, and ${copy} beside it: what the app trusts.`
      : `${module} is there already and was left alone. What the app trusts lies beside it: ${copy}`,
    `In the app: import { afield } from './${basename(app.module).replace(/\.m?[jt]s$/, '')}'`,
  ]
}

function parseBins(text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text)
  throw new CliError('usage', `"${text}" is not a number of bins, such as 64.`)
}
