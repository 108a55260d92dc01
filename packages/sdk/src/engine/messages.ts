import type { ErrorData, Outputs, RecordValue } from '@afield/protocol'

/**
 * What crosses between the page and an engine: the data plane, kept apart from the control plane so that a
 * prediction waits behind nothing.
 */
export type ToEngine =
  | {
      readonly type: 'open'
      readonly runtime: RuntimeUrls
      /** The keeper supplies the model over this port; see {@link Supply}. */
      readonly supply: MessagePort
    }
  | { readonly type: 'predict'; readonly questions: readonly Question[] }

export interface FromEngine {
  readonly type: 'answers'
  readonly answers: readonly Answer[]
}

export interface Question {
  readonly id: number
  readonly record: RecordValue
}

export type Answer =
  { readonly id: number; readonly outputs: Outputs } | { readonly id: number; readonly error: ErrorData }

/** Where onnxruntime's own two files are. */
export interface RuntimeUrls {
  readonly mjs: string
  readonly wasm: string
}
