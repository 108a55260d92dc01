import { histogram, type ErrorCode, type Histogram } from '@afield/protocol'

/** What the field reported about one version. */
export interface Observed {
  /** Answers served. */
  readonly served: number
  /** What failed, by code. */
  readonly errors: { readonly [code in ErrorCode]?: number }
  /** Milliseconds per answer; may cover fewer answers than `served`. */
  readonly latency: Histogram
}

export interface HealthThresholds {
  /** The highest healthy mean latency, in milliseconds. */
  readonly maxMeanMs: number
  /** The lowest healthy success rate, 0 to 1. */
  readonly minSuccessRate: number
  /** With fewer attempts, or fewer measured latencies, than this there is no verdict. */
  readonly minObservations: number
}

export const DEFAULT_HEALTH: HealthThresholds = { maxMeanMs: 100, minSuccessRate: 0.95, minObservations: 100 }

/** `needs` is how many more observations it takes before there can be a verdict. */
export type Health =
  | { readonly verdict: 'healthy'; readonly reasons: readonly string[] }
  | { readonly verdict: 'unhealthy'; readonly reasons: readonly string[] }
  | { readonly verdict: 'insufficient'; readonly reasons: readonly string[]; readonly needs: number }

/**
 * Whether a version is within its thresholds, by what the field reported. A plain comparison for the dashboard: it
 * has no error probability, so no rollout may be decided by it.
 *
 * @example
 * assessHealth({ served: 990, errors: { 'engine/run-failed': 10 }, latency })
 * // { verdict: 'healthy', reasons: ['success 99.0 %, at least 95.0 %', 'mean 12.3 ms, at most 100 ms'] }
 */
export function assessHealth(observed: Observed, thresholds: HealthThresholds = DEFAULT_HEALTH): Health {
  const { minObservations, minSuccessRate, maxMeanMs } = thresholds
  const attempts = observed.served + failuresOf(observed)
  if (attempts < minObservations) return insufficient('attempts', attempts, minObservations)

  const rate = successRate(observed) ?? 0
  const success = compare(
    `success ${percent(rate)}`,
    rate >= minSuccessRate,
    `at least ${percent(minSuccessRate)}`,
  )
  const measured = histogram.total(observed.latency)
  if (measured < minObservations) {
    return success.holds ? insufficient('latencies', measured, minObservations) : unhealthy(success)
  }

  const meanMs = histogram.mean(observed.latency) ?? 0
  const latency = compare(`mean ${meanMs.toFixed(1)} ms`, meanMs <= maxMeanMs, `at most ${maxMeanMs} ms`)
  if (success.holds && latency.holds) return { verdict: 'healthy', reasons: [success.reason, latency.reason] }
  return unhealthy(success, latency)
}

/** The share of attempts that were answered, 0 to 1; `undefined` when there was no attempt. */
export function successRate(observed: Pick<Observed, 'served' | 'errors'>): number | undefined {
  const attempts = observed.served + failuresOf(observed)
  return attempts > 0 ? observed.served / attempts : undefined
}

/**
 * Failures to answer a valid request. A refused record or an abort is the caller's doing; a failed update or a
 * failed self-test leaves the version that serves untouched. Those are reported by code and count here for nothing.
 */
function failuresOf({ errors }: Pick<Observed, 'errors'>): number {
  let failures = 0
  for (const [code, count = 0] of Object.entries(errors)) {
    if (code.startsWith('engine/') || code.startsWith('internal/')) failures += count
  }
  return failures
}

interface Finding {
  readonly holds: boolean
  readonly reason: string
}

function compare(found: string, holds: boolean, bound: string): Finding {
  return { holds, reason: `${found}, ${holds ? '' : 'should be '}${bound}` }
}

function unhealthy(...findings: readonly Finding[]): Health {
  return { verdict: 'unhealthy', reasons: findings.filter((f) => !f.holds).map((f) => f.reason) }
}

function insufficient(what: string, have: number, need: number): Health {
  return { verdict: 'insufficient', reasons: [`${have} ${what}, needs ${need}`], needs: need - have }
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
