import type {
  Answer as ModelAnswer,
  Backend,
  ErrorData,
  GoldenInput,
  ModelState,
  PackedInput,
  PackedTensor,
  Profile,
} from '@afield/protocol'

/**
 * What crosses between the page and an engine: the data plane, kept apart from the control plane so that a
 * prediction waits behind nothing.
 */
export type ToEngine =
  | {
      readonly type: 'open'
      readonly urls: EngineUrls
      /** The compiled runtime, from an engine before this one. */
      readonly module?: WebAssembly.Module | undefined
      /** How many threads it may run its model on; default as many as serve one well here. */
      readonly threads?: number
      /** The keeper supplies the model over this port; see {@link Supply}. */
      readonly supply: MessagePort
    }
  | { readonly type: 'predict'; readonly questions: readonly Question[] }
  /** Answered by a report, whether there is news or not. */
  | { readonly type: 'report' }
  /** Inputs of one length, one after the other; sent only to an engine that said how: see {@link PackedInput}. */
  | {
      readonly type: 'packed'
      readonly id: number
      readonly count: number
      readonly data: Float32Array
    }
  /** How many answers to keep for inputs that come again. */
  | { readonly type: 'configure'; readonly cache: number }

export type FromEngine =
  /** To one `predict` message, as they come. None say that the engine works on. */
  | {
      readonly type: 'answers'
      /** Id of the first question of that message. */
      readonly to: number
      readonly answers: readonly Answer[]
      /** How long the engine took for all of the message; absent while others are to come. */
      readonly ms?: number
    }
  /** To one `packed` message: each tensor of all its answers, one after the other. */
  | {
      readonly type: 'packed'
      /** Its id. */
      readonly to: number
      readonly tensors: readonly PackedTensor[]
      readonly ms: number
      /** What the inputs came in, to be filled again; absent where they were few. */
      readonly spare?: ArrayBuffer
    }
  /** From now on questions that come together share runs; where `packs` says how, their inputs may come packed. */
  | { readonly type: 'shares'; readonly packs?: PackedInput | undefined }
  /** The engine is of no use any more, such as after its GPU was lost or its memory ran out: end it. */
  | { readonly type: 'failed'; readonly error: ErrorData }
  /** The compiled runtime, so that further engines need not compile it again. */
  | { readonly type: 'compiled'; readonly module: WebAssembly.Module }
  /** When asked, and about once a second while there is news. */
  | { readonly type: 'report'; readonly report: EngineReport }

/** What is asked of a model: an input as the app gave it, or one as a golden vector has it. */
export type Asked =
  | {
      readonly input: unknown
      readonly state?: ModelState | undefined
      /** A test of the app or of ours: it says nothing about the data. */
      readonly isTest?: true
    }
  | { readonly golden: GoldenInput }

export type Question = Asked & { readonly id: number }

export type Answer =
  | { readonly id: number; readonly answer: ModelAnswer; readonly cached?: true }
  | { readonly id: number; readonly error: ErrorData }

/** What an engine tells of itself beside its answers. */
export interface EngineReport {
  /** Bytes of its WASM memory. */
  readonly heapBytes: number
  /** Absent where the version has no reference profile, or nothing was counted since its first report. */
  readonly tallied?: Tallied
  /** The reference profile could not be read. */
  readonly unreadable?: ErrorData
}

/** How the records and answers of one version were spread, since the report before. */
export interface Tallied {
  readonly model: string
  readonly version: string
  /** Predictions that were counted. */
  readonly predictions: number
  /** A count a bin, for each field in turn: its profile's bins, its rarer values if it is of categories, the missing. */
  readonly counts: Float64Array
  /** What the counts are of; only in an engine's first report. */
  readonly profiled?: readonly Profiled[]
}

/** A field of the records, or an output. */
export interface Profiled {
  readonly name: string
  readonly of: 'field' | 'output'
  readonly profile: Profile
}

/** The builds of onnxruntime: WASM alone; with WebGPU and WebNN, by JavaScript promise integration or by asyncify. */
export type RuntimeBuild = 'plain' | 'jspi' | 'asyncify'

/** What an engine runs on, as it found out. */
export interface EngineFacts {
  readonly backend: Backend
  readonly build: RuntimeBuild
  /** Of WASM. */
  readonly threads: number
}

/** The files that an engine fetches. */
export interface EngineUrls {
  readonly runtime: RuntimeUrls
  readonly kinds: KindUrls
}

/** Where the code for those kinds of input is that few models take, and the tokenizer, which few texts need. */
export type KindUrls = Readonly<Record<'image' | 'audio' | 'text' | 'tokenizer', string>>

/** Where onnxruntime's own two files are. */
export interface RuntimeUrls {
  readonly mjs: string
  readonly wasm: string
}
