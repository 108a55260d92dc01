export * from './bytes.js'
export * from './codec.js'
export type { Assets, Feeds, InputEncoder, InputKindCode } from './codec/encoder.js'
export * from './contract/contract.js'
export type * from './contract/audio.js'
export type * from './contract/image.js'
export * from './contract/outputs.js'
export * from './contract/record.js'
export * from './contract/tensors.js'
export type * from './contract/text.js'
export * from './declarations/declare-models.js'
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
export * from './parse.js'
export * from './rollout/bucket.js'
export * from './rollout/decide.js'
export * from './rollout/document.js'
export {
  FilePathSchema,
  GoldenVectorSchema,
  MAX_CHUNK_BYTES,
  MAX_DESCRIPTOR_BYTES,
  parseRunnable,
  type Artifact,
  type ArtifactFile,
  type Chunk,
  type GoldenVector,
  type Runnable,
  type SelfTest,
} from './runnable.js'
export * from './self-test.js'
export * from './telemetry/index.js'
