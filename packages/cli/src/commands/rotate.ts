import type { Command } from 'commander'
import { newPassphrase } from '../repository/keys/passphrase.js'
import { rotate } from '../repository/governance/rotate.js'
import { parseThreshold } from '../repository/keys/threshold.js'
import { addExample, addProposalsOption, addWriteOptions, type WriteOptions } from './options.js'
import { print, refreshLine } from './print.js'

interface RotateCommandOptions extends WriteOptions {
  readonly threshold?: string
  readonly ecdsa?: true
  readonly passphrase?: true
}

export function addRotate(program: Command): void {
  const command = program
    .command('rotate')
    .description('replace keys: a new root, signed by old and new, and everything they sign signed anew')
    .argument('<role>', 'release, ops, or one of root, targets, rollouts, snapshot, timestamp')
    .option('--threshold <m/n>', 'from now on m of n keys must sign (release, root, targets)')
    .option('--ecdsa', 'sign with ECDSA P-256, too, for browsers that know no Ed25519')
    .option(
      '--passphrase',
      'encrypt the new key files (asked, or AFIELD_PASSPHRASE, or AFIELD_PASSPHRASE_FILE); needed where the old are',
    )
  addWriteOptions(command)
  addProposalsOption(command)
  addExample(
    command,
    'afield rotate ops --reason "a laptop was lost"',
    'afield rotate release --threshold 2/3',
  )
  command.addHelpText(
    'after',
    '\nTo change a passphrase where nobody types, give AFIELD_PASSPHRASE_FILE: its first line is for the new keys,\n' +
      'and keys are opened with any of its lines.',
  )
  command.action(async (owner: string, options: RotateCommandOptions) => {
    const { repo, keys, proposals, author, reason, ecdsa } = options
    const rotated = await rotate({
      repo,
      keys,
      proposals,
      author,
      reason,
      ecdsa,
      owner,
      threshold: options.threshold === undefined ? undefined : parseThreshold(options.threshold),
      passphrase: options.passphrase ? await newPassphrase() : undefined,
    })
    const { committed } = rotated
    print(options, rotated, [
      committed
        ? `Replaced the keys of ${owner}. The root is at version ${rotated.rootVersion}; apps that bundle an older one follow by themselves.`
        : `The rotation had only its key files left to rename. The root is at version ${rotated.rootVersion}.`,
      `The old key files are in ${rotated.keys}/retired. Back up the new ones.`,
      ...(committed ? [refreshLine(committed.refreshBy)] : []),
    ])
  })
}
