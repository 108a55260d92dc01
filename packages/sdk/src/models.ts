import type { Outputs } from '@afield/protocol'
import type { ModelInput } from './inputs.js'

/**
 * The models that TypeScript knows. `afield types` writes a file that adds to it; while it is empty, any name may be
 * loaded and anything asked.
 */
export interface Models {}

/** Names that `load()` takes. */
export type ModelName = keyof Models extends never ? string : Extract<keyof Models, string>

/** What `predict()` of a model takes. */
export type InputOf<N extends ModelName> = N extends keyof Models
  ? Models[N] extends { readonly input: infer I }
    ? I
    : ModelInput
  : ModelInput

/** What a model answers. */
export type OutputsOf<N extends ModelName> = N extends keyof Models
  ? Models[N] extends { readonly outputs: infer O }
    ? O
    : Outputs
  : Outputs
