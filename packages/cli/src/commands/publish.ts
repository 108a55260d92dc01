import type { Command } from 'commander'
import { publish, type Published } from '../publish/publish.js'
import { addExample, addWriteOptions, type WriteOptions } from './options.js'
import { print, refreshLine, suggest, warn } from './print.js'

interface PublishCommandOptions extends WriteOptions {
  readonly version: string
  readonly config?: string
  readonly golden?: string
  readonly metrics?: string
  readonly skipReplay?: true
}

export function addPublish(program: Command): void {
  const command = program
    .command('publish')
    .description('check a model, replay its golden vectors, and sign it into the repository')
    .argument('<model>', 'the ONNX file')
    .requiredOption('--version <semver>', 'the version, such as 1.4.0; it never changes once published')
    .option('--config <file>', 'default: afield.config.json beside the model, above it, or here')
    .option('--golden <file>', 'golden vectors (default: MODEL.golden.json)')
    .option('--metrics <file>', 'evaluation and lineage (default: MODEL.metrics.json, if it is there)')
    .option('--skip-replay', 'publish without replaying the golden vectors; the descriptor records it')
  addWriteOptions(command)
  addExample(
    command,
    'afield publish models/learner-risk-1.0.0.onnx --version 1.0.0 --reason "first release"',
  )
  command.action(async (model: string, options: PublishCommandOptions) => {
    const published = await publish({ ...options, model })
    if (published.replay === 'skipped') {
      warn(
        'the golden vectors were not replayed, and the descriptor says so. Devices replay them before they serve it.',
      )
    }
    print(options, published, [...report(published), ...nextSteps(command, options, published)])
  })
}

function report({ name, version, size, chunks, vectors, replay, ...rest }: Published): readonly string[] {
  const tested =
    replay === 'passed' ? `its ${vectors} golden vectors agree` : 'its golden vectors were NOT replayed'
  return [
    `Published ${name}@${version}: ${size.toLocaleString('en')} bytes in ${chunks} chunk${chunks === 1 ? '' : 's'}; ${tested}. ` +
      `The repository is at version ${rest.repositoryVersion}.`,
    refreshLine(rest.refreshBy),
  ]
}

function nextSteps(
  command: Command,
  options: PublishCommandOptions,
  { name, version, previous, hasRollout }: Published,
): readonly string[] {
  if (hasRollout) {
    const start = suggest(command, options, `rollout start ${name} --candidate ${version}`)
    return ['Its rollout is unchanged, so no device runs the new version yet. Send it to a few first:', start]
  }
  if (previous === undefined) {
    const pin = suggest(command, options, `rollout start ${name} --stable ${version}`)
    return [
      'Every device takes it at its next check. To decide who gets the version after it, pin this one:',
      pin,
    ]
  }
  const start = suggest(command, options, `rollout start ${name} --candidate ${version} --stable ${previous}`)
  return [
    'Note: without a rollout, every device takes the newest release at its next check. To send it to a few first:',
    start,
  ]
}
