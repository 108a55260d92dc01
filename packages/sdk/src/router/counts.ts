import type { ErrorCode, FunnelStep } from '@afield/protocol'
import type { EngineReport } from '../engine/messages.js'
import type { Served } from '../keeper/ports.js'

/** Who answered in the model's place. */
export type FallbackKind = 'remote' | 'constant' | 'function'

/** What became of predictions and of versions, for whoever counts it. A prediction is told once: answered or failed. */
export interface Counts {
  /** @param ms from the call of `predict()` to its answer. @param now when that came, by `performance.now()`. */
  answered(served: Served, ms: number, now: number): void
  /** @param times predictions that failed alike. */
  failed(served: Served, code: ErrorCode, times?: number): void
  /** A step that a version got to, which the keeper could not count itself. */
  reached(served: Served, step: FunnelStep, code: ErrorCode | undefined): void
  /**
   * An engine ran.
   *
   * @param ms that it took.
   * @param together predictions that it answered in them.
   */
  ran(served: Served, ms: number, together: number): void
  /**
   * Something answered in the model's place.
   *
   * @param ms from the call to the answer.
   * @param times predictions that it answered.
   * @param told whether the model was asked first, so that its failures were told already.
   */
  fellBack(model: string, kind: FallbackKind, ms: number, times: number, told: boolean): void
  /** @param engine what tells of itself. */
  reported(report: EngineReport, engine: number): void
}
