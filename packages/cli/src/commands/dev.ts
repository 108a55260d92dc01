import process from 'node:process'
import type { Command } from 'commander'
import type { DevState } from '../dev/state.js'
import { addExample, addJsonOption } from './options.js'
import { parsePort } from './port.js'
import { print } from './print.js'

/** As shells have it for a command that Ctrl-C ended. */
const INTERRUPTED = 130

interface DevCommandOptions {
  readonly target?: readonly string[]
  readonly port?: number
  readonly json?: true
}

export function addDev(program: Command): void {
  const command = program
    .command('dev')
    .description(
      'try a model in the browser: no keys, no contract, no checklist; reloads when its files change',
    )
    .argument('<model>', 'the ONNX file')
    .argument('[rows]', 'a CSV whose header names what the model takes')
    .option('--target <columns...>', 'columns of the CSV that hold what the model predicts')
    .option('--port <number>', 'default: the first free one from 4500 on; 0 takes any', parsePort)
  addJsonOption(command)
  addExample(
    command,
    'afield dev model.onnx',
    'afield dev model.onnx rows.csv --target needs_support',
    'afield dev model.onnx --port 0 --json',
  )
  command.action(async (model: string, csv: string | undefined, options: DevCommandOptions) => {
    const onChange = (state: DevState): void =>
      print(options, state.problem ? { error: state.problem } : summary(state), changed(state))
    const stop = stopOnSignal()
    // The other commands start without what only this one needs.
    const { startDev } = await import('../dev/dev.js')
    const server = await startDev({ model, csv, targets: options.target, port: options.port, onChange })
    const state = server.state()
    print(options, { url: server.url, ...summary(state) }, started(state, server.url))
    await stop.asked()
    await server.close()
  })
}

/**
 * Ends the process by its `exit` handlers, which delete the keys: at once during the start and for somebody in a hurry
 * who asks twice, else in order.
 */
function stopOnSignal(): { readonly asked: () => Promise<void> } {
  let end = (): void => process.exit(INTERRUPTED)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end())
  return {
    asked: () =>
      new Promise((resolve) => {
        const endAtOnce = end
        end = () => {
          end = endAtOnce
          resolve()
        }
      }),
  }
}

function summary({ build }: DevState): object {
  const { model, version, contract, inferred, notes, replay, config } = build
  return { model, version, contract, inferred, notes, replay, config }
}

function started({ build }: DevState, url: string): readonly string[] {
  const { model, config, notes, replay, rows, vectors } = build
  const vectorLines =
    replay === 'recorded'
      ? [
          vectors.length === 0
            ? 'No golden vectors could be recorded; let training write some into MODEL.golden.json.'
            : `Recorded ${vectors.length} golden vector${vectors.length === 1 ? '' : 's'} from the model's own answers; training's own would say more.`,
        ]
      : ['Its golden vectors agree.']
  return [
    `${model}: ${inputLine(build)}`,
    ...notes.map((note) => `  ${note}`),
    ...vectorLines,
    ...(replay === 'recorded' && rows.length > 0 && vectors.length > 0
      ? ['They hold rows of the CSV, which everyone can read once they are published.']
      : []),
    ...(config?.written
      ? [
          `Wrote ${config.path}. Before you publish, fill in: ${config.missing.map(({ at }) => at).join(', ')}`,
        ]
      : []),
    'Trusted on this machine only; Ctrl-C ends it.',
    '',
    `ready ${url}`,
  ]
}

function inputLine({ contract: { input, outputs }, inferred }: DevState['build']): string {
  const takes =
    input.kind === 'record'
      ? input.fields
          .map(({ name }) => name)
          .slice(0, 12)
          .join(', ')
      : input.kind
  const more =
    input.kind === 'record' && input.fields.length > 12 ? ` and ${input.fields.length - 12} more` : ''
  return `${takes}${more} → ${outputs.map(({ name }) => name).join(', ')}${inferred ? ' (inferred)' : ''}`
}

function changed({ build, problem }: DevState): readonly string[] {
  return problem
    ? [`${problem.code}: ${problem.message}`, `${build.version} goes on serving.`]
    : [`Reloaded: ${build.model} ${build.version}, ${inputLine(build)}`]
}
