import type { Command } from 'commander'
import { CliError } from '../errors.js'
import { plainLine } from '../plain-text.js'
import { readLog, type LogEntry } from '../repository/inspect/log.js'
import { addExample, addJsonOption, addRepositoryOption, type RepositoryOptions } from './options.js'
import { print } from './print.js'

interface LogCommandOptions extends RepositoryOptions {
  readonly at?: string
}

export function addLog(program: Command): void {
  const command = program
    .command('log')
    .description('the audit trail of a model: who changed what, when and why, back to the first root')
    .argument('<model>')
    .option('--at <time>', 'say which version was serving then: 2026-03-01, or 2026-03-01T09:30:00Z')
  addRepositoryOption(command)
  addJsonOption(command)
  addExample(command, 'afield log learner-risk', 'afield log learner-risk --at 2026-03-01T09:30:00Z')
  command.action(async (model: string, options: LogCommandOptions) => {
    const at = options.at === undefined ? undefined : parseTime(options.at)
    const log = await readLog({ repo: options.repo, at }, model)
    const { serving } = log
    print(options, log, serving ? [`At ${serving.at}: ${serving.sentence}`] : log.entries.flatMap(lines))
  })
}

function lines({ kind, id, at, author, reason, what }: LogEntry): readonly string[] {
  return [
    `${at ?? '(time not recorded)'}  ${kind} ${id.slice(0, 12)}${author === undefined ? '' : `  ${plainLine(`${author}: ${reason}`)}`}`,
    ...what.map((sentence) => `  ${plainLine(sentence)}`),
  ]
}

/** A day without a time is its beginning in UTC. */
function parseTime(text: string): Date {
  const time = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/.test(text)
    ? new Date(text)
    : undefined
  if (time && !Number.isNaN(time.getTime())) return time
  throw new CliError('usage', `"${text}" is not a time such as 2026-03-01 or 2026-03-01T09:30:00Z.`)
}
