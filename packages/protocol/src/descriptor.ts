import * as v from 'valibot'
import { parseJson } from './bytes.js'
import { ContractSchema } from './contract.js'
import { ModelNameSchema, Sha256Schema, VersionSchema } from './ids.js'
import { parseWith } from './parse.js'

export const MAX_DESCRIPTOR_BYTES = 1024 * 1024
export const MAX_CHUNK_BYTES = 4 * 1024 * 1024
/** Values of one field that a reference profile lists; the others are counted together. */
export const MAX_CATEGORIES = 50

const text = (max: number) => v.pipe(v.string(), v.minLength(1), v.maxLength(max))
const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
/** A file's name beside the model, without a way out of the folder. */
export const FilePathSchema = v.pipe(
  v.string(),
  v.maxLength(300),
  v.regex(/^(?!.*(^|\/)\.{1,2}(\/|$))[\w .@+-]+(\/[\w .@+-]+)*$/, 'not a plain relative path'),
)
const finite = v.pipe(v.number(), v.finite())

const chunkSize = v.pipe(whole, v.minValue(1), v.maxValue(MAX_CHUNK_BYTES))

/**
 * A run of bytes of a file. `sha256` and `size` (in bytes) are of the run itself, also where it is stored and sent
 * gzipped; `encodedSize` is then what comes over the wire.
 */
const ChunkSchema = v.pipe(
  v.object({
    sha256: Sha256Schema,
    size: chunkSize,
    encoding: v.exactOptional(v.literal('gzip')),
    encodedSize: v.exactOptional(chunkSize),
  }),
  v.check(
    (chunk) => (chunk.encoding === undefined) === (chunk.encodedSize === undefined),
    'half an encoding',
  ),
)
export type Chunk = v.InferOutput<typeof ChunkSchema>

const contents = {
  /** Bytes of the whole file, whose chunks join to it in order. */
  size: whole,
  chunks: v.pipe(v.array(ChunkSchema), v.minLength(1), v.maxLength(4096)),
}

/** The ONNX graph; its external data, under the name that the graph refers to it by; or what belongs with it. */
const ArtifactFileSchema = v.variant('role', [
  v.object({ role: v.literal('model'), ...contents }),
  v.object({ role: v.literal('external-data'), path: FilePathSchema, ...contents }),
  v.object({ role: v.literal('asset'), path: FilePathSchema, ...contents }),
])
export type ArtifactFile = v.InferOutput<typeof ArtifactFileSchema>

const ArtifactSchema = v.object({
  variant: v.picklist(['fp32']),
  backends: v.pipe(v.array(v.picklist(['wasm', 'webgpu'])), v.minLength(1)),
  files: v.pipe(
    v.array(ArtifactFileSchema),
    v.maxLength(256),
    v.check((files) => files.filter(({ role }) => role === 'model').length === 1, 'not one model file'),
  ),
})
export type Artifact = v.InferOutput<typeof ArtifactSchema>

/** Launch checklist: a version without these does not publish. */
export const ChecklistSchema = v.object({
  pattern: v.picklist(['direct', 'canary']),
  fallback: text(500),
  metrics: v.pipe(v.array(text(200)), v.minLength(1), v.maxLength(50)),
  rollback: text(1000),
})
export type Checklist = v.InferOutput<typeof ChecklistSchema>

export const CardSchema = v.object({
  type: text(200),
  trainingDate: text(40),
  framework: text(200),
  intendedUse: text(2000),
  users: text(2000),
  dataSource: text(2000),
  dataSize: text(200),
  limitations: text(4000),
  /** Where the product asks it: a page, a route, a screen. */
  endpoint: v.exactOptional(text(500)),
  /** What was measured before the launch, in ms. */
  latencyP95: v.exactOptional(v.pipe(finite, v.minValue(0))),
})

const LineageSchema = v.object({
  /** Hash of the snapshot of the data that it was trained on. */
  trainingData: v.optional(Sha256Schema),
  /** Such as a commit; `-dirty` at its end when files were changed since. */
  codeRevision: v.optional(text(200)),
  /** Of the code or the feature store that made the features. */
  featureVersion: v.exactOptional(text(200)),
  /** Hash of the lock file that pins what trained it. */
  lockFile: v.exactOptional(Sha256Schema),
  evaluation: v.optional(v.record(text(100), finite)),
})

/** A golden vector: what training says the answer is. Only the outputs that it names are compared. */
export const GoldenVectorSchema = v.object({
  input: v.record(v.string(), v.union([finite, v.string(), v.boolean()])),
  output: v.record(v.string(), v.union([finite, v.boolean()])),
})
export type GoldenVector = v.InferOutput<typeof GoldenVectorSchema>

const SelfTestSchema = v.object({
  vectors: v.pipe(v.array(GoldenVectorSchema), v.maxLength(200)),
  /** An answer agrees when |answer − expected| ≤ absolute + relative × |expected|. */
  tolerance: v.object({ absolute: finite, relative: finite }),
  /** What `publish` found when it replayed them; `skipped` is written down for everyone to see. */
  replay: v.picklist(['passed', 'skipped']),
})
export type SelfTest = v.InferOutput<typeof SelfTestSchema>

export const SloSchema = v.object({
  class: v.picklist(['realtime', 'interactive', 'near-realtime', 'batch']),
  maxFailureRate: v.pipe(finite, v.minValue(0), v.maxValue(1)),
  /** Share of predictions answered by a model rather than by a constant fallback. */
  availability: v.pipe(finite, v.minValue(0), v.maxValue(1)),
})

/** Which onnxruntime may run it: comparisons that must all hold, such as `>=1.20.0 <2.0.0`. */
export const OrtRangeSchema = v.pipe(
  v.string(),
  v.maxLength(100),
  v.regex(/^(>=|<=|<|>)\d+\.\d+\.\d+( (>=|<=|<|>)\d+\.\d+\.\d+)*$/, 'not a range such as ">=1.20.0 <2.0.0"'),
)

/** The day from which the model counts as old. */
export const RetrainBySchema = v.pipe(v.string(), v.isoDate())

/** Raised when the state that a stateful model carries no longer fits the version before. */
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
      edges: v.pipe(v.array(finite), v.maxLength(9)),
      counts: v.pipe(v.array(whole), v.minLength(1)),
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
    categories: v.pipe(v.array(v.object({ value: v.string(), count: whole })), v.maxLength(MAX_CATEGORIES)),
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
  format: v.literal(1),
  name: ModelNameSchema,
  version: VersionSchema,
  created: v.pipe(v.string(), v.isoTimestamp()),
  owner: text(200),
  checklist: ChecklistSchema,
  card: CardSchema,
  lineage: LineageSchema,
  runtime: v.object({
    opset: whole,
    irVersion: whole,
    operators: v.pipe(v.array(text(200)), v.maxLength(1000)),
    ort: v.exactOptional(OrtRangeSchema),
  }),
  artifacts: v.pipe(v.array(ArtifactSchema), v.minLength(1), v.maxLength(16)),
  contract: ContractSchema,
  selfTest: SelfTestSchema,
  slo: SloSchema,
  reference: v.exactOptional(ReferenceSchema),
  retrainBy: v.exactOptional(RetrainBySchema),
  stateEpoch: v.exactOptional(StateEpochSchema),
})
export type Descriptor = v.InferOutput<typeof DescriptorSchema>

/** @throws AfieldError `descriptor/invalid`, also when it describes another model or version. */
export function parseDescriptor(
  bytes: Uint8Array,
  expected: { readonly name: string; readonly version: string },
): Descriptor {
  const file = `descriptor of ${expected.name}@${expected.version}`
  return parseWith(
    v.pipe(
      DescriptorSchema,
      v.check(
        (descriptor) => descriptor.name === expected.name && descriptor.version === expected.version,
        'it describes another version',
      ),
      v.check(
        ({ artifacts }) => artifacts.every(({ files }) => files.every((f) => sum(f.chunks) === f.size)),
        'chunk sizes do not add up to the file',
      ),
    ),
    parseJson(bytes, 'descriptor/invalid', file),
    'descriptor/invalid',
    file,
  )
}

function sum(chunks: readonly Chunk[]): number {
  return chunks.reduce((total, chunk) => total + chunk.size, 0)
}
