import { compareVersions, type Descriptor, type Version } from '@afield/protocol'
import { formatBytes } from '../commands/print.js'
import { describeArtifact } from '../document/artifact.js'
import { fieldsTable, outputsTable } from '../document/contract-tables.js'
import {
  code,
  facts,
  heading,
  paragraph,
  warning,
  type Block,
  type Document,
  type Line,
} from '../document/document.js'
import { percent } from '../document/percent.js'
import type { Shown } from '../repository/inspect/catalogue.js'
import { describeServing } from '../repository/read/serving.js'

const NOT_STATED = 'not stated'

/** Metrics that a card always speaks of, by the names that training gives them. */
const METRICS = [
  { title: 'Precision', names: ['precision'] },
  { title: 'Recall', names: ['recall', 'sensitivity'] },
  { title: 'AUC', names: ['auc', 'roc_auc', 'auroc'] },
] as const

/** The model card of a published version: everything that its descriptor and the signed index say of it, for people. */
export function modelCard(shown: Shown): Document {
  const { model, version, descriptor, release } = shown
  return {
    title: `${model} ${version}`,
    subtitle: `Model card. Published ${release.created.slice(0, 10)}, owned by ${descriptor.owner}.`,
    blocks: [
      ...restrictions(shown),
      ...about(shown),
      ...use(descriptor),
      ...data(descriptor),
      ...features(descriptor),
      ...evaluation(descriptor),
      heading('Limitations'),
      paragraph(stated(descriptor.card.limitations)),
      ...serving(descriptor),
      ...checklist(descriptor),
      ...lineage(descriptor),
      ...identity(shown),
    ],
  }
}

function restrictions({ index, release, version, model, descriptor }: Shown): readonly Block[] {
  const revoked = release.revoked
  const { minVersion } = index
  return [
    ...(revoked
      ? [
          warning(
            `Revoked on ${revoked.at.slice(0, 10)} by ${revoked.author}: ${revoked.reason}. No device runs it.`,
          ),
        ]
      : []),
    ...(minVersion !== undefined && isOlder(version, minVersion)
      ? [warning(`The oldest version of ${model} that may run is ${minVersion}, so no device runs this one.`)]
      : []),
    ...(DOUBTS[descriptor.selfTest.replay] ?? []).map((doubt) => warning(doubt)),
  ]
}

/** What nobody should take for tested. */
const DOUBTS: Readonly<Partial<Record<Descriptor['selfTest']['replay'], readonly string[]>>> = {
  skipped: ['It was published without replaying its golden vectors.'],
  recorded: ['Its golden vectors are the model’s own answers, not those of training.'],
}

function isOlder(version: Version, than: Version): boolean {
  return compareVersions(version, than) < 0
}

function about({ model, version, descriptor, index, rollout }: Shown): readonly Block[] {
  const { card, retrainBy } = descriptor
  return [
    facts({
      Name: model,
      Version: version,
      Type: stated(card.type),
      'Training date': stated(card.trainingDate),
      Framework: stated(card.framework),
      'Retrain by': stated(retrainBy),
      'What serves': describeServing(index, rollout),
    }),
  ]
}

function use({ card }: Descriptor): readonly Block[] {
  return [
    heading('Intended use'),
    facts({
      Use: stated(card.intendedUse),
      Users: stated(card.users),
      Endpoint: stated(card.endpoint),
    }),
  ]
}

function data({ card, reference }: Descriptor): readonly Block[] {
  return [
    heading('Training data'),
    facts({
      Source: stated(card.dataSource),
      Size: stated(card.dataSize),
      'Reference profile': reference
        ? `of ${reference.rows.toLocaleString('en')} rows, for measuring drift`
        : NOT_STATED,
    }),
  ]
}

function features({ contract }: Descriptor): readonly Block[] {
  return [heading('Features'), ...fieldsTable(contract), heading('Outputs'), outputsTable(contract)]
}

function evaluation({ lineage }: Descriptor): readonly Block[] {
  const measured = Object.entries(lineage.evaluation ?? {})
  const known = METRICS.map(({ title, names }): readonly [string, Line] => {
    const found = measured.find(([name]) => names.some((one) => one === name.toLowerCase()))
    return [title, found ? String(found[1]) : NOT_STATED]
  })
  const listed = new Set<string>(METRICS.flatMap(({ names }) => names))
  const others = measured.flatMap(([name, value]): readonly (readonly [string, Line])[] =>
    listed.has(name.toLowerCase()) ? [] : [[name, String(value)]],
  )
  return [heading('Evaluation'), { kind: 'table', head: ['', ''], rows: [...known, ...others] }]
}

function serving({ card, slo, selfTest }: Descriptor): readonly Block[] {
  const { absolute, relative } = selfTest.tolerance
  return [
    heading('Serving'),
    facts({
      'Latency p95 before launch': card.latencyP95 === undefined ? NOT_STATED : `${card.latencyP95} ms`,
      Latency: LATENCY[slo.class],
      Availability: `${percent(slo.availability)} of predictions answered by a model`,
      Failures: `at most ${percent(slo.maxFailureRate)} of predictions`,
      'Golden vectors': `${selfTest.vectors.length}, within ${absolute} absolute and ${relative} relative; ${REPLAY[selfTest.replay]}`,
    }),
  ]
}

const LATENCY: Readonly<Record<Descriptor['slo']['class'], string>> = {
  realtime: 'real time: below 100 ms',
  interactive: 'interactive: 100 to 500 ms',
  'near-realtime': 'near real time: up to 5 s',
  batch: 'batch: no bound on a single prediction',
}

const REPLAY: Readonly<Record<Descriptor['selfTest']['replay'], string>> = {
  passed: 'replayed and met before it was signed, and on every device before it serves',
  skipped: 'the replay before signing was skipped; devices replay them before it serves',
  recorded: 'recorded from the model itself, so they say nothing of how it was exported',
}

function checklist({ checklist, owner }: Descriptor): readonly Block[] {
  return [
    heading('Launch checklist'),
    facts({
      Owner: owner,
      Pattern: checklist.pattern,
      Fallback: checklist.fallback,
      Metrics: checklist.metrics.join('; '),
      'Rollback procedure': checklist.rollback,
    }),
  ]
}

function lineage({ lineage, runtime }: Descriptor): readonly Block[] {
  const { trainingData, codeRevision, featureVersion, lockFile } = lineage
  return [
    heading('Lineage'),
    facts({
      'Training data (SHA-256)': named(trainingData),
      'Code revision': named(codeRevision),
      'Feature version': stated(featureVersion),
      'Lock file (SHA-256)': named(lockFile),
      Graph: `opset ${runtime.opset}, IR ${runtime.irVersion}; operators ${runtime.operators.join(', ')}`,
      'onnxruntime-web': runtime.ort === undefined ? NOT_STATED : code(runtime.ort),
    }),
  ]
}

function identity({ descriptor, sha256, bytes, release, index }: Shown): readonly Block[] {
  const { artifacts } = descriptor
  const listed = artifacts.map((artifact) => {
    const files = artifact.files.map(
      (file) => `${file.role === 'model' ? 'model' : file.path} ${formatBytes(file.size)}`,
    )
    return artifacts.length === 1 ? files.join(', ') : `${describeArtifact(artifact)}: ${files.join(', ')}`
  })
  return [
    heading('Identity'),
    facts({
      'Descriptor (SHA-256)': code(sha256),
      Published: release.created,
      'Last change of the model': `${index.change.at} by ${index.change.author}: ${index.change.reason}`,
      Files: listed.join('; '),
      'First download': formatBytes(bytes),
    }),
  ]
}

function named(hash: string | undefined): Line {
  return hash === undefined ? NOT_STATED : code(hash)
}

function stated(text: string | undefined): string {
  return text === undefined || text.trim() === '' ? NOT_STATED : text
}
