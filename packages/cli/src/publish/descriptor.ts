import {
  AfieldError,
  MAX_DESCRIPTOR_BYTES,
  jsonBytes,
  parseDescriptor,
  type Artifact,
  type Descriptor,
  type GoldenVector,
  type ReferenceProfile,
  type SelfTest,
  type Version,
} from '@afield/protocol'
import { CliError } from '../errors.js'
import type { Config } from './config.js'
import type { Metrics } from './metrics.js'

/** Everything that is known of a version when its descriptor is written. */
export interface VersionFacts {
  readonly config: Config
  readonly version: Version
  readonly created: string
  readonly runtime: Descriptor['runtime']
  readonly metrics: Metrics
  readonly vectors: readonly GoldenVector[]
  readonly replay: SelfTest['replay']
  readonly lineage: Descriptor['lineage']
  readonly artifacts: readonly Artifact[]
  readonly reference: ReferenceProfile | undefined
}

/**
 * The descriptor of a version as it is stored.
 *
 * @throws CliError `config/invalid` when nothing names the framework; AfieldError `descriptor/invalid` when it is
 *   too large for a device to accept.
 */
export function describeVersion(facts: VersionFacts): Uint8Array<ArrayBuffer> {
  const { config, version, metrics } = facts
  const descriptor: Descriptor = {
    format: 1,
    name: config.name,
    version,
    created: facts.created,
    owner: config.owner,
    checklist: config.checklist,
    card: { ...config.card, framework: frameworkOf(config, metrics) },
    lineage: facts.lineage,
    runtime: facts.runtime,
    artifacts: [...facts.artifacts],
    contract: config.contract,
    selfTest: { vectors: [...facts.vectors], tolerance: config.tolerance, replay: facts.replay },
    slo: config.slo,
    ...(facts.reference ? { reference: facts.reference } : {}),
    ...(config.retrainBy === undefined ? {} : { retrainBy: config.retrainBy }),
    ...(config.stateEpoch === undefined ? {} : { stateEpoch: config.stateEpoch }),
  }
  const bytes = jsonBytes(descriptor)
  parseDescriptor(bytes, descriptor)
  if (bytes.length <= MAX_DESCRIPTOR_BYTES) return bytes
  throw new AfieldError(
    'descriptor/invalid',
    `The descriptor would be ${bytes.length} bytes, and devices accept ${MAX_DESCRIPTOR_BYTES}. Use fewer golden vectors, or leave the reference profile out.`,
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
