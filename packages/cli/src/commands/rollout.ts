import type { Command } from 'commander'
import { CliError } from '../errors.js'
import type { RolloutAction } from '../rollout/action.js'
import { changeRollout, readRollout } from '../rollout/change.js'
import { formatPercent, parsePercent, parseSteps, stepsBy } from '../rollout/percent.js'
import { describeChange, describeRollout, nextCommand } from '../rollout/sentence.js'
import {
  addExample,
  addJsonOption,
  addRepositoryOption,
  addWriteOptions,
  type RepositoryOptions,
  type WriteOptions,
} from './options.js'
import { print, refreshLine, suggest } from './print.js'

export function addRollout(program: Command): void {
  const rollout = program.command('rollout').description('decide which devices get which version')
  addExample(
    rollout,
    'afield rollout start learner-risk --candidate 2.0.0',
    'afield rollout step learner-risk',
  )
  addStart(rollout)
  addStep(rollout)
  addPlain(rollout, 'abort', 'take the candidate back: every device runs the stable version')
  addPlain(rollout, 'promote', 'make the candidate the stable version of every device')
  addPlain(rollout, 'pause', 'let no further device into the candidate')
  addPlain(rollout, 'resume', 'go on after a pause')
  addKill(rollout)
  addPlain(rollout, 'revive', 'undo a kill')
  addShow(rollout)
}

interface StartOptions extends WriteOptions {
  readonly candidate?: string
  readonly stable?: string
  readonly steps?: string
  readonly by?: string
  readonly seed?: string
}

function addStart(rollout: Command): void {
  const command = rollout
    .command('start')
    .description('begin a rollout at its first step, or pin a stable version')
    .argument('<model>')
    .option('--candidate <version>', 'the version to send out')
    .option(
      '--stable <version>',
      "what other devices run (default: the current rollout's, else the newest other release)",
    )
    .option('--steps <percents>', 'the ladder (default: 5,25,100)')
    .option('--by <percent>', 'an even ladder: 10 is 10,20,…,100')
    .option('--seed <text>', 'decides which devices come first (default: random)')
  addWriteOptions(command)
  addExample(
    command,
    'afield rollout start learner-risk --candidate 2.0.0 --steps 5,25,100',
    'afield rollout start learner-risk --stable 1.0.0',
  )
  command.action((model: string, options: StartOptions) =>
    run(command, model, options, {
      kind: 'start',
      candidate: options.candidate,
      stable: options.stable,
      steps: ladderOf(options),
      seed: options.seed,
    }),
  )
}

function ladderOf({ candidate, stable, steps, by }: StartOptions): readonly number[] | undefined {
  if (candidate === undefined && stable === undefined) {
    throw new CliError('usage', 'Name a version: --candidate to send one out, --stable to pin one.')
  }
  if (steps !== undefined && by !== undefined) throw new CliError('usage', 'Give --steps or --by, not both.')
  if (candidate === undefined && (steps ?? by) !== undefined) {
    throw new CliError('usage', '--steps and --by are for a candidate. Add --candidate.')
  }
  if (by !== undefined) return stepsBy(parsePercent(by))
  return steps === undefined ? undefined : parseSteps(steps)
}

function addStep(rollout: Command): void {
  const command = rollout
    .command('step')
    .description('send the candidate to more devices')
    .argument('<model>')
    .option('--to <percent>', 'the share of devices (default: the next step of the ladder)')
  addWriteOptions(command)
  addExample(command, 'afield rollout step learner-risk', 'afield rollout step learner-risk --to 50')
  command.action((model: string, options: WriteOptions & { readonly to?: string }) =>
    run(command, model, options, {
      kind: 'step',
      to: options.to === undefined ? undefined : parsePercent(options.to),
    }),
  )
}

function addKill(rollout: Command): void {
  const command = rollout
    .command('kill')
    .description('stop a model everywhere; apps answer with their fallback')
    .argument('<model>')
    .option('--candidate', 'stop only the candidate; every device runs the stable version')
  addWriteOptions(command)
  addExample(command, 'afield rollout kill learner-risk --reason "answers are wrong"')
  command.action((model: string, options: WriteOptions & { readonly candidate?: true }) =>
    run(command, model, options, { kind: 'kill', what: options.candidate ? 'candidate' : 'model' }),
  )
}

type PlainKind = Exclude<RolloutAction['kind'], 'start' | 'step' | 'kill' | 'alias'>

function addPlain(rollout: Command, kind: PlainKind, description: string): void {
  const command = rollout.command(kind).description(description).argument('<model>')
  addWriteOptions(command)
  addExample(command, `afield rollout ${kind} learner-risk`)
  command.action((model: string, options: WriteOptions) => run(command, model, options, { kind }))
}

async function run(
  command: Command,
  model: string,
  options: WriteOptions,
  action: RolloutAction,
): Promise<void> {
  const { repo, keys, author, reason } = options
  const changed = await changeRollout({ repo, keys, author, reason }, model, action)
  const { rollout, previous, repositoryVersion, refreshBy } = changed
  print(options, { model: changed.model, rollout, repositoryVersion, refreshBy }, [
    describeChange(action, rollout, previous),
    `Next: ${suggest(command, options, nextCommand(rollout)).trim()}`,
    refreshLine(refreshBy),
  ])
}

function addShow(rollout: Command): void {
  const command = rollout.command('show').description('say where a rollout stands').argument('<model>')
  addRepositoryOption(command)
  addJsonOption(command)
  addExample(command, 'afield rollout show learner-risk')
  command.action(async (model: string, options: RepositoryOptions) => {
    const found = await readRollout(options, model)
    if (!found) {
      const line = `${model} has no rollout: every device takes the newest release at its next check.`
      return print(options, { model, rollout: null }, [line])
    }
    const { change } = found
    print(options, { model, rollout: found }, [
      describeRollout(found),
      `Steps: ${found.steps.map(formatPercent).join(', ') || 'none'}. Epoch ${found.epoch}, seed ${found.seed}.`,
      `Changed ${change.at} by ${change.author}: ${change.reason}`,
    ])
  })
}
