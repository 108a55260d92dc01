import type { AfieldError, Backend } from '@afield/protocol'

export interface HealthOptions {
  readonly signal?: AbortSignal
}

/** Whether a model can answer here, by a real prediction. */
export interface Health {
  readonly model: string
  readonly version: string | undefined
  readonly backend: Backend | undefined
  readonly modelLoaded: boolean
  /** A golden vector was asked and its answer agreed. */
  readonly canPredict: boolean
  /** The test prediction, and the mean of this page's predictions, kept to 100 ms or what the model's objective says. */
  readonly latencyOk: boolean
  /** Of the test prediction. */
  readonly latencyMs: number | undefined
  /** Whether anything answers, a fallback included. */
  readonly answers: boolean
  readonly breaker: 'closed' | 'open' | 'half-open'
  /** Why it cannot predict. */
  readonly error: AfieldError | undefined
}
