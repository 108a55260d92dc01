import * as v from 'valibot'
import { ContractSchema } from './contract/contract.js'
import { Sha256Schema } from './ids.js'
import { finite, listOf, moment, text, whole } from './primitives.js'
import { parseDescribed, runnableEntries, type ExpectedVersion } from './runnable.js'
import { SelfTestSchema } from './codec/golden.js'

/** Values of one field that a reference profile lists; the others are counted together. */
export const MAX_CATEGORIES = 50

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

export const SloSchema = v.object({
  class: v.picklist(['realtime', 'interactive', 'near-realtime', 'batch']),
  maxFailureRate: v.pipe(finite, v.minValue(0), v.maxValue(1)),
  /** Share of predictions answered by a model rather than by a constant fallback. */
  availability: v.pipe(finite, v.minValue(0), v.maxValue(1)),
})

/** The day from which the model counts as old. */
export const RetrainBySchema = v.pipe(v.string(), v.isoDate())

export const StateEpochSchema = whole

const counted = { count: whole, missing: whole }

/** How the values of one field or output were spread over the training data. */
const ProfileSchema = v.variant('kind', [
  v.pipe(
    v.object({
      kind: v.literal('numeric'),
      ...counted,
      /** Absent when too few rows had a value to say it without pointing at one. */
      min: v.exactOptional(finite),
      max: v.exactOptional(finite),
      mean: v.exactOptional(finite),
      /** Ascending. A value belongs to the bin of the first edge above it, or to the last bin. */
      edges: listOf(finite, 0, 9),
      counts: listOf(whole, 1, Infinity),
    }),
    v.check(({ edges, counts }) => counts.length === edges.length + 1, 'not one bin more than edges'),
    v.check(
      ({ edges }) => edges.every((edge, i) => i === 0 || edge > (edges[i - 1] ?? edge)),
      'not ascending',
    ),
  ),
  v.object({
    kind: v.literal('categories'),
    ...counted,
    categories: listOf(v.object({ value: v.string(), count: whole }), 0, MAX_CATEGORIES),
    /** Rows with a rarer value than those listed. */
    other: whole,
  }),
])
export type Profile = v.InferOutput<typeof ProfileSchema>

const profiles = v.record(v.string(), ProfileSchema)

/** What drift is measured against: the spread of the training data, of no single row of it. */
const ReferenceSchema = v.object({
  /** Hash of the file that it was computed from. */
  data: Sha256Schema,
  rows: whole,
  fields: profiles,
  /** The answers to a sample of the rows; absent when none could be asked. */
  outputs: v.exactOptional(v.object({ rows: whole, profiles })),
})
export type ReferenceProfile = v.InferOutput<typeof ReferenceSchema>

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
