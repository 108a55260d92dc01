import * as v from 'valibot'
import { ContractSchema } from './contract/contract.js'
import { Sha256Schema } from './ids.js'
import { finite, listOf, moment, text, whole } from './primitives.js'
import { ReferenceSchema } from './reference.js'
import { parseDescribed, runnableEntries, type ExpectedVersion } from './runnable.js'
import { SloSchema } from './slo.js'
import { SelfTestSchema } from './codec/golden.js'

/** Launch checklist: a version without these does not publish. */
export const ChecklistSchema = v.object({
  pattern: v.picklist(['direct', 'canary']),
  fallback: text(1, 500),
  metrics: listOf(text(1, 200), 1, 50),
  rollback: text(1, 1000),
})
export type Checklist = v.InferOutput<typeof ChecklistSchema>

export const CardSchema = v.object({
  type: text(1, 200),
  trainingDate: text(1, 40),
  framework: text(1, 200),
  intendedUse: text(1, 2000),
  users: text(1, 2000),
  dataSource: text(1, 2000),
  dataSize: text(1, 200),
  limitations: text(1, 4000),
  /** Where the product asks it: a page, a route, a screen. */
  endpoint: v.exactOptional(text(1, 500)),
  /** What was measured before the launch, in ms. */
  latencyP95: v.exactOptional(v.pipe(finite, v.minValue(0))),
})

const LineageSchema = v.object({
  /** Hash of the snapshot of the data that it was trained on. */
  trainingData: v.optional(Sha256Schema),
  /** Such as a commit; `-dirty` at its end when files were changed since. */
  codeRevision: v.optional(text(1, 200)),
  /** Of the code or the feature store that made the features. */
  featureVersion: v.exactOptional(text(1, 200)),
  /** Hash of the lock file that pins what trained it. */
  lockFile: v.exactOptional(Sha256Schema),
  evaluation: v.optional(v.record(text(1, 100), finite)),
})

/** The day from which the model counts as old. */
export const RetrainBySchema = v.pipe(v.string(), v.isoDate())

export const StateEpochSchema = whole

/** A version's whole truth: immutable, and named by the hash of its bytes. */
const DescriptorSchema = v.object({
  ...runnableEntries,
  created: moment,
  owner: text(1, 200),
  checklist: ChecklistSchema,
  card: CardSchema,
  lineage: LineageSchema,
  runtime: v.object({
    ...runnableEntries.runtime.entries,
    irVersion: whole,
  }),
  contract: ContractSchema,
  selfTest: SelfTestSchema,
  slo: SloSchema,
  reference: v.exactOptional(ReferenceSchema),
  retrainBy: v.exactOptional(RetrainBySchema),
})
export type Descriptor = v.InferOutput<typeof DescriptorSchema>

/**
 * Parses all of a descriptor, for tools; devices need {@link Runnable} and no more.
 *
 * @throws AfieldError `descriptor/invalid`, also when it describes another model or version.
 */
export function parseDescriptor(bytes: Uint8Array, expected: ExpectedVersion): Descriptor {
  return parseDescribed(DescriptorSchema, bytes, expected)
}
