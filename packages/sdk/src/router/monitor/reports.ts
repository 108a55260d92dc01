import type { Backend } from '@afield/protocol'

/** What became of predictions. Latencies are in ms from a call to its answer. */
export interface Tally {
  /** Predictions that ended, however they did. */
  readonly count: number
  readonly errors: number
  /** Of these, those that ran out of `timeoutMs`. */
  readonly timeouts: number
  /** Share of `count` that got an answer of the model; 1 while there are none. */
  readonly success: number
  /** Answers a second over the last minute, or since the first. */
  readonly perSecond: number
  /** Percentiles to within 1.1 %; mean and max are exact. */
  readonly latencyMs: {
    readonly mean: number
    readonly p50: number
    readonly p95: number
    readonly p99: number
    readonly max: number
  }
  /** Seconds that engines ran. */
  readonly computeSeconds: number
}

export interface Stats {
  readonly model: string
  readonly total: Tally
  /** By version and backend, the latest first. */
  readonly versions: readonly (Tally & { readonly version: string; readonly backend: Backend })[]
  /** Answers of a fallback. */
  readonly fallback: { readonly remote: number; readonly constant: number; readonly function: number }
  /** Error counts by code. */
  readonly errors: Readonly<Record<string, number>>
  readonly engines: {
    readonly workers: number
    /** Predictions that wait, and that run. */
    readonly waiting: number
    readonly running: number
    /** Bytes of the WASM memory of this model's engines. */
    readonly heapBytes: number
  }
  /** Of this model: bytes on the device, and bytes that its repository sent in this page's life. */
  readonly bytes: { readonly stored: number; readonly fetched: number }
  readonly objectives: readonly ObjectiveReport[]
}

/** An objective and what is left of its error budget, in this page's last hour. */
export interface ObjectiveReport {
  readonly objective: 'latency' | 'availability'
  /** Of latency: predictions must take no longer than so many ms. */
  readonly thresholdMs?: number
  /** The share of predictions that must be good. */
  readonly target: number
  /** The share that was; `undefined` where there were too few to say. */
  readonly share: number | undefined
  /** 1 while nothing is spent, 0 when all is, negative beyond. */
  readonly budgetLeft: number
  /** Of few predictions `insufficient`; availability is `missed` there too, by failures that are no accident. */
  readonly state: 'met' | 'missed' | 'insufficient'
}

/** An objective is missed; or it is met again, with a tenth of its error budget left. */
export type SloEvent = { readonly type: 'slo'; readonly model: string } & ObjectiveReport

/** Of one field or output: how the shares of its bins changed against the training data. */
export interface FieldDrift {
  readonly name: string
  readonly kind: 'numeric' | 'categories'
  /** Values that were counted here. */
  readonly count: number
  /** The largest change of any bin's share, and which one that is. */
  readonly largestChange: number
  readonly bin: string
  /** More than 0.1, and enough was counted to say so. */
  readonly drifted: boolean
  readonly state: 'stable' | 'drifted' | 'insufficient'
}

export interface DriftReport {
  readonly model: string
  readonly version: string | undefined
  /** False where the version came without a reference profile; then nothing can be said. */
  readonly hasReference: boolean
  readonly predictions: number
  readonly fields: readonly FieldDrift[]
  readonly outputs: readonly FieldDrift[]
}
