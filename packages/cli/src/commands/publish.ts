import type { Command } from 'commander'
import type { PublishProgress } from '../publish/chunks/write.js'
import { describeArtifact } from '../document/artifact.js'
import { publish, type Published } from '../publish/publish.js'
import { interruptible } from './interrupt.js'
import { addExample, addProposalsOption, addWriteOptions, type WriteOptions } from './options.js'
import { print, refreshLine, suggest, warn } from './print.js'
import { withProgress } from './progress.js'

interface PublishCommandOptions extends WriteOptions {
  readonly version: string
  readonly config?: string
  readonly golden?: string
  readonly metrics?: string
  readonly reference?: string
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
    .option('--reference <csv>', "training data to measure drift against (default: the config's reference)")
    .option('--skip-replay', 'publish without replaying the golden vectors; the descriptor records it')
  addWriteOptions(command)
  addProposalsOption(command)
  addExample(
    command,
    'afield publish models/learner-risk-1.0.0.onnx --version 1.0.0 --reason "first release"',
    'afield publish models/learner-risk-1.1.0.onnx --version 1.1.0 --reference data/training.csv',
  )
  command.action(async (model: string, options: PublishCommandOptions) => {
    const published = await interruptible('Nothing was signed.', (signal) =>
      withProgress(options, (bar) => {
        const onProgress = ({ step, done, total }: PublishProgress): void =>
          bar.update(done, total, step === 'prepare' ? 'Packing' : 'Writing')
        return publish({ ...options, model, onProgress, signal })
      }),
    )
    if (published.replay === 'skipped') {
      warn(
        'the golden vectors were not replayed, and the descriptor says so. Devices replay them before they serve it.',
      )
    }
    if (published.replay === 'recorded') {
      warn(
        "the golden vectors are the model's own answers, which afield dev recorded, and the descriptor says so. They " +
          'catch a device that computes otherwise, never an export that went wrong: let training write MODEL.golden.json. ' +
          'Those that were recorded from a CSV hold its rows, and everyone can read them.',
      )
    }
    for (const { file, replay } of published.artifacts) {
      if (replay !== 'left-to-devices') continue
      warn(
        `${file} runs on a GPU alone, so its golden vectors were not replayed here, and the descriptor says so. Each ` +
          'device replays them on its own GPU before it serves from it, and serves from WASM until then.',
      )
    }
    print(options, published, [...report(published), ...nextSteps(command, options, published)])
  })
}

function report(published: Published): readonly string[] {
  const { name, version, size, chunks, vectors, replay, repositoryVersion, refreshBy } = published
  const tested =
    replay === 'skipped'
      ? 'its golden vectors were NOT replayed'
      : `its ${vectors} golden vectors ${replay === 'recorded' ? 'are its own, RECORDED answers' : 'agree'}`
  return [
    `Published ${name}@${version}: ${count(size)} bytes in ${chunks} chunk${chunks === 1 ? '' : 's'}; ${tested}. ` +
      `The repository is at version ${repositoryVersion}.`,
    download(published),
    ...variants(published),
    ...(published.reference
      ? [`Its reference profile covers ${count(published.reference.rows)} rows of training data.`]
      : []),
    refreshLine(refreshBy),
  ]
}

function download({ artifacts, previous, downloadBytes, updateBytes }: Published): string {
  const whole = `A device fetches ${count(downloadBytes)} bytes${artifacts.length > 1 ? ' before it answers' : ''}`
  return previous === undefined ? `${whole}.` : `${whole}, or ${count(updateBytes)} when it has ${previous}.`
}

/** What devices choose from, where there is more than one file. */
function variants({ artifacts }: Published): readonly string[] {
  if (artifacts.length < 2) return []
  return [
    'Of these, a device takes the first that it can run:',
    ...artifacts.map(
      (artifact) =>
        `  ${artifact.file}: ${describeArtifact(artifact)}, ${count(artifact.downloadBytes)} bytes`,
    ),
  ]
}

function count(amount: number): string {
  return amount.toLocaleString('en')
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
