import type { Command } from 'commander'
import { showVersion, type Shown } from '../repository/inspect/catalogue.js'
import { describeArtifact } from '../document/artifact.js'
import { addExample, addJsonOption, addRepositoryOption, type RepositoryOptions } from './options.js'
import { formatBytes, print } from './print.js'

export function addShow(program: Command): void {
  const command = program
    .command('show')
    .description('what a version is, in words: owner, model card, lineage, contract, checklist, hashes')
    .argument('<model[@version]>', 'the newest release where no version is named')
  addRepositoryOption(command)
  addJsonOption(command)
  addExample(command, 'afield show learner-risk', 'afield show learner-risk@1.0.0')
  command.action(async (reference: string, options: RepositoryOptions) => {
    const shown = await showVersion(options, reference)
    print(options, shown, describe(shown))
  })
}

function describe(shown: Shown): readonly string[] {
  const { descriptor, release, model, version } = shown
  const { card, checklist, runtime, selfTest, slo } = descriptor
  return [
    `${model}@${version}, published ${release.created}, owned by ${descriptor.owner}`,
    ...restrictions(shown),
    '',
    ...rows('Model card', {
      Type: card.type,
      Trained: `${card.trainingDate} with ${card.framework}`,
      'Intended use': card.intendedUse,
      Users: card.users,
      Data: `${card.dataSource} (${card.dataSize})`,
      Limitations: card.limitations,
    }),
    ...rows('Lineage', lineage(descriptor.lineage)),
    ...rows('Launch checklist', {
      Pattern: checklist.pattern,
      Fallback: checklist.fallback,
      Metrics: checklist.metrics.join(', '),
      Rollback: checklist.rollback,
    }),
    ...rows('Runtime', {
      Opset: `${runtime.opset} (IR ${runtime.irVersion})`,
      Operators: runtime.operators.join(', '),
      Serves: `${slo.class}, at most ${slo.maxFailureRate * 100} % failures`,
      'Golden vectors': `${selfTest.vectors.length}, replay ${selfTest.replay}`,
    }),
    ...contract(descriptor),
    ...files(shown),
  ]
}

function restrictions({ release, index, rollout, version }: Shown): readonly string[] {
  const aliases = Object.entries(rollout?.aliases ?? {}).flatMap(([alias, named]) =>
    named === version ? [alias] : [],
  )
  return [
    ...(release.revoked
      ? [`REVOKED ${release.revoked.at} by ${release.revoked.author}: ${release.revoked.reason}`]
      : []),
    ...(index.minVersion === undefined ? [] : [`The oldest version that may run is ${index.minVersion}.`]),
    ...(aliases.length > 0 ? [`Also loaded as: ${aliases.join(', ')}`] : []),
  ]
}

function lineage(lineage: Shown['descriptor']['lineage']): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(lineage).map(([key, value]) => [
      key.replaceAll(/([A-Z])/g, ' $1').replace(/^./, (letter) => letter.toUpperCase()),
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  )
}

function contract({ contract }: Shown['descriptor']): readonly string[] {
  return ['Contract', ...JSON.stringify(contract, null, 2).split('\n').map(indent), '']
}

function files({ descriptor, sha256, bytes }: Shown): readonly string[] {
  const listed = descriptor.artifacts.flatMap((artifact) =>
    artifact.files.map((file) => {
      const name = file.role === 'model' ? 'model' : `${file.role} ${file.path}`
      return `${describeArtifact(artifact)}: ${name}, ${formatBytes(file.size)} in ${file.chunks.length} chunk${file.chunks.length === 1 ? '' : 's'}`
    }),
  )
  const several = descriptor.artifacts.length > 1
  return [
    'Bytes',
    ...(several ? ['A device takes the first that it can run.'].map(indent) : []),
    ...[...listed, `A first download fetches ${formatBytes(bytes)}.`, `Descriptor ${sha256}`].map(indent),
  ]
}

function rows(title: string, values: Readonly<Record<string, string>>): readonly string[] {
  const entries = Object.entries(values)
  if (entries.length === 0) return []
  return [title, ...entries.map(([name, value]) => indent(`${name}: ${value}`)), '']
}

function indent(line: string): string {
  return `  ${line}`
}
