import type { Backend, ErrorCode } from '@afield/protocol'
import type { Tallied } from '../../engine/messages.js'
import type { Served } from '../../keeper/ports.js'
import type { FallbackKind } from '../counts.js'
import { Latencies } from './latencies.js'
import { Rolling } from './rolling.js'
import { Suspicion } from './suspicion.js'

const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS

/** Latencies that an objective may name, in ms: of its classes, and where it names none. */
export const THRESHOLDS = [100, 200, 500, 5000] as const

/** What is counted apart for the objectives: whether a model answered, and in what time; slower than the last is over. */
export const AVAILABLE = 0
export const UNAVAILABLE = 1
const WITHIN = 2
export const OVER = WITHIN + THRESHOLDS.length
const COLUMNS = OVER + 1

/** Where an answer that took so long is counted. */
export function columnOf(ms: number): number {
  let at = 0
  for (const threshold of THRESHOLDS) {
    if (ms <= threshold) break
    at += 1
  }
  return WITHIN + at
}

/** Of one version on one backend. */
export class ServedCounts {
  readonly latencies = new Latencies()
  readonly answers = new Rolling(SECOND_MS, 60, 1)
  readonly errors = new Map<ErrorCode, number>()
  readonly failing = new Suspicion()
  readonly slow = new Suspicion()
  computeMs = 0
  firstAt: number | undefined
  doubtedAt = Number.NEGATIVE_INFINITY

  constructor(
    readonly version: string,
    readonly backend: Backend,
  ) {}
}

/** How the inputs and answers of a version were spread; see `Tallied`. */
export type VersionTally = Required<Pick<Tallied, 'predictions' | 'counts'>> & Pick<Tallied, 'profiled'>

/** Of one model, all its versions together and each apart. */
export class ModelCounts {
  /** In the order in which they began to serve. */
  readonly served: ServedCounts[] = []
  readonly hour = new Rolling(MINUTE_MS, 60, COLUMNS)
  readonly fallback: Record<FallbackKind, number> = { remote: 0, constant: 0, function: 0 }
  readonly tallies = new Map<string, VersionTally>()
  /** Predictions of which the model was never asked. */
  unasked = 0
  /** Until then nobody needs to look at the objectives. */
  lookAfter = 0

  constructor(readonly model: string) {}

  /** Counts of what begins to serve, which may have served before. */
  begin({ version, backend }: Served): ServedCounts {
    const at = this.served.findIndex((one) => one.version === version && one.backend === backend)
    const [counts = new ServedCounts(version, backend)] = at < 0 ? [] : this.served.splice(at, 1)
    this.served.push(counts)
    return counts
  }

  tally({ version, predictions, counts, profiled }: Tallied): void {
    const known = this.tallies.get(version)
    const sums = known ? known.counts.map((sum, i) => sum + (counts[i] ?? 0)) : counts
    const of = profiled ?? known?.profiled
    this.tallies.set(version, {
      predictions: (known?.predictions ?? 0) + predictions,
      counts: sums,
      ...(of ? { profiled: of } : {}),
    })
  }
}
