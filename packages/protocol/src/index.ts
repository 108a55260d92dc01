export * from './backend.js'
export * from './bytes.js'
export * from './codec/codec.js'
export type {
  Assets,
  CodeUrls,
  Feeds,
  InputEncoder,
  InputKindCode,
  PlainTensor,
  StateTensors,
} from './codec/encoder.js'
export * from './codec/audio.js'
export * from './codec/float16.js'
export {
  GoldenVectorSchema,
  type GoldenInput,
  type GoldenOutput,
  type GoldenTensor,
  type GoldenVector,
  type SelfTest,
} from './codec/golden.js'
export * from './codec/image.js'
export * from './codec/image-size.js'
export * from './codec/outputs.js'
export * from './codec/packed.js'
export * from './codec/read-tensor.js'
export * from './codec/record.js'
export * from './codec/refuse.js'
export * from './codec/tensor.js'
export * from './codec/tensors.js'
export * from './codec/text.js'
export * from './codec/tokenizer.js'
export * from './contract/contract.js'
export type * from './contract/audio.js'
export type * from './contract/image.js'
export * from './contract/outputs.js'
export * from './contract/record.js'
export { contractSchema } from './contract/schema.js'
export * from './contract/tensors.js'
export type * from './contract/text.js'
export {
  declareModels,
  isDeclarationFile,
  type DeclaredModel,
  type ServedContract,
} from './declarations/declare-models.js'
export { servedContracts } from './declarations/served-contracts.js'
export * from './descriptor.js'
export * from './errors.js'
export * from './hosting.js'
export * from './ids.js'
export * from './manifest/canonical.js'
export * from './manifest/checks.js'
export * from './manifest/delegation.js'
export * from './manifest/keys.js'
export * from './manifest/metadata.js'
export * from './manifest/trust.js'
export * from './model-index.js'
export { DATATYPES } from './open-inference.js'
export * from './parse.js'
export { listOf, positive, text } from './primitives.js'
export * from './reference.js'
export * from './rollout/bucket.js'
export * from './rollout/decide.js'
export * from './rollout/document.js'
export { servesAs } from './rollout/serves.js'
export {
  FilePathSchema,
  MAX_CHUNK_BYTES,
  MAX_DESCRIPTOR_BYTES,
  OrtRangeSchema,
  StateEpochSchema,
  parseRunnable,
  RequirementsSchema,
  type Artifact,
  type ArtifactFile,
  type Chunk,
  type Requirements,
  type Runnable,
} from './runnable.js'
export * from './runtime.js'
export * from './self-test.js'
export * from './slo.js'
export * from './telemetry/index.js'
