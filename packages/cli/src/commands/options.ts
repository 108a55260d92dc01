import { Option, type Command } from 'commander'
import { EXIT_CODES } from './exit.js'

/** Options that several commands share, as commander hands them over. */
export interface RepositoryOptions {
  readonly repo: string
  readonly keys?: string
  readonly json?: true
  /** Where proposals wait. */
  readonly proposals?: string
}

export interface WriteOptions extends RepositoryOptions {
  readonly author?: string
  readonly reason?: string
}

export function addRepositoryOption(command: Command): Command {
  return command.addOption(
    new Option('--repo <dir>', "the repository's folder").env('AFIELD_REPO').default('./afield-repo'),
  )
}

export function addKeysOption(command: Command): Command {
  return command.addOption(
    new Option(
      '--keys <dir>',
      'the folder of the private keys (default: the repository with .keys added)',
    ).env('AFIELD_KEYS'),
  )
}

export function addProposalsOption(command: Command): Command {
  return command.addOption(
    new Option(
      '--proposals <dir>',
      'where proposals wait for approvals (default: the repository with .pending added)',
    ).env('AFIELD_PROPOSALS'),
  )
}

export function addJsonOption(command: Command): Command {
  return command.option('--json', 'print one JSON object')
}

/** What every command that signs something takes. */
export function addWriteOptions(command: Command): Command {
  addRepositoryOption(command)
  addKeysOption(command)
  command.option('--author <name>', "who does this (default: AFIELD_AUTHOR, git's user.name, or your login)")
  command.option('--reason <text>', 'why, for the audit trail')
  return addJsonOption(command)
}

/** Shown at the end of a command's help. */
export function addExample(command: Command, ...lines: readonly string[]): Command {
  const examples = lines.map((line) => `  $ ${line}`).join('\n')
  return command.addHelpText('after', `\nExample:\n${examples}\n\n${EXIT_CODES}`)
}
