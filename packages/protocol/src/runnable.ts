import * as v from 'valibot'
import { BACKENDS } from './backend.js'
import { AfieldError } from './errors.js'
import { ModelNameSchema, Sha256Schema, VersionSchema } from './ids.js'
import { finite, listOf, text, whole, wholeFrom } from './primitives.js'
import { parseJsonWith } from './parse.js'

export const MAX_DESCRIPTOR_BYTES = 1024 * 1024
export const MAX_CHUNK_BYTES = 4 * 1024 * 1024

/** A file's name beside the model, without a way out of the folder. */
export const FilePathSchema = v.pipe(
  text(1, 300),
  v.regex(/^(?!.*(^|\/)\.{1,2}(\/|$))[\w .@+-]+(\/[\w .@+-]+)*$/, 'not a plain relative path'),
)
const chunkSize = wholeFrom(1, MAX_CHUNK_BYTES)

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

const ArtifactFileSchema = v.pipe(
  v.object({
    role: v.picklist(['model', 'external-data', 'asset']),
    path: v.exactOptional(FilePathSchema),
    /** Bytes of the whole file, whose chunks join to it in order. */
    size: whole,
    chunks: listOf(ChunkSchema, 1, 4096),
  }),
  v.check(({ role, path }) => role === 'model' || path !== undefined, 'a file without a path'),
) as v.GenericSchema<unknown, ArtifactFile>

/** The ONNX graph; its external data, under the name that the graph refers to it by; or what belongs with it. */
export type ArtifactFile = {
  size: number
  chunks: Chunk[]
} & ({ role: 'model' } | { role: 'external-data' | 'asset'; path: string })

/** What a device must have before it downloads an artifact; what is left out is not asked for. */
export const RequirementsSchema = v.object({
  /** Bytes that the device has in all, as far as it tells. */
  memory: v.exactOptional(whole),
  /** Of the GPU, as WebGPU calls them, such as `shader-f16`. */
  features: v.exactOptional(listOf(text(1, 100), 0, 32)),
  /** Least values of the GPU's limits, as WebGPU calls them, such as `maxBufferSize`. */
  limits: v.exactOptional(v.record(text(1, 100), whole)),
})
export type Requirements = v.InferOutput<typeof RequirementsSchema>

const ToleranceSchema = v.object({ absolute: finite, relative: finite })

/** Files that do the same at another precision or for other backends. A device takes the first that it can run. */
const ArtifactSchema = v.object({
  variant: v.picklist(['fp32', 'fp16', 'int8']),
  backends: listOf(v.picklist(BACKENDS), 1, BACKENDS.length),
  requires: v.exactOptional(RequirementsSchema),
  /** How far its answers may lie from the golden vectors, where that is further than the self-test says. */
  tolerance: v.exactOptional(ToleranceSchema),
  /** Nobody but devices has judged it: `publish` has no GPU, and it runs on nothing else. */
  replay: v.exactOptional(v.literal('skipped')),
  files: v.pipe(
    listOf(ArtifactFileSchema, 1, 256),
    v.check((files) => files.filter(({ role }) => role === 'model').length === 1, 'not one model file'),
  ),
})
export type Artifact = v.InferOutput<typeof ArtifactSchema>

const OperatorsSchema = listOf(text(1, 200), 0, 1000)

/** Which onnxruntime may run it: comparisons that must all hold, such as `>=1.20.0 <2.0.0`. */
export const OrtRangeSchema = v.pipe(
  text(1, 100),
  v.regex(/^(>=|<=|<|>)\d+\.\d+\.\d+( (>=|<=|<|>)\d+\.\d+\.\d+)*$/, 'not a range such as ">=1.20.0 <2.0.0"'),
)

/** Raised when the state that a stateful model carries no longer fits the version before. */
export const StateEpochSchema = whole

/** What the keeper of a device acts on of a descriptor. */
export const runnableEntries = {
  format: v.literal(1),
  name: ModelNameSchema,
  version: VersionSchema,
  runtime: v.object({ operators: OperatorsSchema, opset: whole, ort: v.exactOptional(OrtRangeSchema) }),
  artifacts: listOf(ArtifactSchema, 1, 16),
  stateEpoch: v.exactOptional(StateEpochSchema),
}

const RunnableSchema = v.object({
  ...runnableEntries,
  /** For the engine: `parseContract` and `parseSelfTest` read them. */
  contract: v.unknown(),
  selfTest: v.unknown(),
  /** For the page: what to hold the version to. */
  slo: v.exactOptional(v.unknown()),
  /** For the engine: what drift is measured against. */
  reference: v.exactOptional(v.unknown()),
})
export type Runnable = v.InferOutput<typeof RunnableSchema>

/** Which version a descriptor should be of. */
export interface ExpectedVersion {
  readonly name: string
  readonly version: string
}

/**
 * Parses the part of a descriptor that a device acts on before it makes a session. The contract and the golden vectors
 * must be there and are read by the engine. Cards, lineage and the like are for people and tools: the descriptor's hash,
 * which the release key signed, vouches for them, and devices need no code to read them.
 *
 * @throws AfieldError `descriptor/invalid`, also when it describes another model or version.
 */
export function parseRunnable(bytes: Uint8Array, expected: ExpectedVersion): Runnable {
  return parseDescribed(RunnableSchema, bytes, expected)
}

/** @throws AfieldError `descriptor/invalid`. */
export function parseDescribed<const S extends v.GenericSchema<unknown, Runnable>>(
  schema: S,
  bytes: Uint8Array,
  { name, version }: ExpectedVersion,
): v.InferOutput<S> {
  const file = `descriptor of ${name}@${version}`
  const described = parseJsonWith(schema, bytes, 'descriptor/invalid', file)
  const { artifacts, ...found } = described
  if (found.name !== name || found.version !== version) throw invalid(file, 'it describes another version')
  if (!artifacts.every(({ files }) => files.every((one) => sum(one.chunks) === one.size))) {
    throw invalid(file, 'chunk sizes do not add up to the file')
  }
  return described
}

function sum(chunks: readonly Chunk[]): number {
  return chunks.reduce((total, chunk) => total + chunk.size, 0)
}

function invalid(what: string, why: string): AfieldError {
  return new AfieldError('descriptor/invalid', `${what} is not valid: ${why}.`, { details: { what } })
}
