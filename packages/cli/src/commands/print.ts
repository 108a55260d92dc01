import process from 'node:process'
import type { Command } from 'commander'
import { plainJson, plainText } from '../plain-text.js'
import type { RepositoryOptions } from './options.js'

/** Prints a command's result: one JSON object with `--json`, else lines for people, which documents may have a part in. */
export function print(options: { readonly json?: true }, value: object, lines: readonly string[]): void {
  process.stdout.write(`${options.json ? plainJson(value) : plainText(lines.join('\n'))}\n`)
}

/** Prints what a person should know on stderr, where it disturbs no JSON. */
export function warn(text: string): void {
  complain(`Warning: ${text}`)
}

/** Prints on stderr. File names and what a server answered may be in it. */
export function complain(text: string): void {
  process.stderr.write(`${plainText(text)}\n`)
}

/** A command to copy and run, with the folders that were named this time. */
export function suggest(command: Command, options: RepositoryOptions, next: string): string {
  const named = (['repo', 'keys'] as const).flatMap((name) =>
    command.getOptionValueSource(name) === 'cli' ? [`--${name} ${options[name]}`] : [],
  )
  return ['  afield', next, ...named].join(' ')
}

/** Bytes for people: `393 bytes`, `37.9 MB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(1)} kB`
  if (bytes < 1_000_000_000) return `${(bytes / 1_000_000).toFixed(1)} MB`
  return `${(bytes / 1_000_000_000).toFixed(1)} GB`
}

/** The line about expiry that every write ends with. */
export function refreshLine(refreshBy: string): string {
  return `Refresh by ${refreshBy.slice(0, 10)}: afield refresh does it, and so does any publish or rollout command.`
}
