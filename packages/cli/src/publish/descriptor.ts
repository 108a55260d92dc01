import {
  AfieldError,
  MAX_DESCRIPTOR_BYTES,
  jsonBytes,
  parseDescriptor,
  type Chunk,
  type Descriptor,
  type GoldenVector,
  type SelfTest,
  type Version,
} from '@afield/protocol'
import { CliError } from '../errors.js'
import type { Config } from './config.js'
import type { Graph } from './graph.js'
import type { Metrics } from './metrics.js'

/** Everything that is known of a version when its descriptor is written. */
export interface VersionFacts {
  readonly config: Config
  readonly version: Version
  readonly created: string
  readonly graph: Graph
  readonly metrics: Metrics
  readonly vectors: readonly GoldenVector[]
  readonly replay: SelfTest['replay']
  /** Bytes of the model file, and the chunks that join to it. */
  readonly size: number
  readonly chunks: readonly Chunk[]
}

/**
 * The descriptor of a version as it is stored.
 *
 * @throws CliError `config/invalid` when nothing names the framework; AfieldError `descriptor/invalid` when it is
 *   too large for a device to accept.
 */
export function describeVersion(facts: VersionFacts): Uint8Array<ArrayBuffer> {
  const { config, version, graph, metrics } = facts
  const descriptor: Descriptor = {
    format: 1,
    name: config.name,
    version,
    created: facts.created,
    owner: config.owner,
    checklist: config.checklist,
    card: { ...config.card, framework: frameworkOf(config, metrics) },
    lineage: {
      ...config.lineage,
      ...(metrics.trainingData ? { trainingData: metrics.trainingData } : {}),
      ...(Object.keys(metrics.evaluation).length > 0 ? { evaluation: metrics.evaluation } : {}),
    },
    runtime: { opset: graph.opset, irVersion: graph.irVersion, operators: [...graph.operators] },
    artifacts: [
      {
        variant: 'fp32',
        backends: ['wasm'],
        files: [{ role: 'model', size: facts.size, chunks: [...facts.chunks] }],
      },
    ],
    contract: config.contract,
    selfTest: { vectors: [...facts.vectors], tolerance: config.tolerance, replay: facts.replay },
    slo: config.slo,
  }
  const bytes = jsonBytes(descriptor)
  parseDescriptor(bytes, descriptor)
  if (bytes.length <= MAX_DESCRIPTOR_BYTES) return bytes
  throw new AfieldError(
    'descriptor/invalid',
    `The descriptor would be ${bytes.length} bytes, and devices accept ${MAX_DESCRIPTOR_BYTES}. Use fewer golden vectors.`,
  )
}

function frameworkOf({ card }: Config, { framework }: Metrics): string {
  const known = framework ?? card.framework
  if (known !== undefined) return known
  throw new CliError(
    'config/invalid',
    'Nothing names the framework that trained the model. Write card.framework into the config, or "framework" into the metrics file.',
  )
}
