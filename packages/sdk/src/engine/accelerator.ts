import type { AfieldError } from '@afield/protocol'
import type { InferenceSession } from './builds/plain.js'

/** What runs a session instead of WASM: a GPU, or what WebNN stands for. */
export interface Accelerator {
  readonly provider: InferenceSession.ExecutionProviderConfig
  /** How often it was given work. onnxruntime drops a provider that fails with no more than a warning. */
  readonly submissions: number
  /** Resolves when it goes away without having been released. */
  readonly lost: Promise<AfieldError>
  release(): void
}
