import { SloSchema, parseWith, type Slo } from '@afield/protocol'
import { AVAILABLE, OVER, THRESHOLDS, UNAVAILABLE, columnOf, type ModelCounts } from './model-counts.js'
import type { ObjectiveReport } from './reports.js'

/** The share of predictions that must be as fast as their class says. */
const IN_TIME = 0.95
/** Where a version names no class. */
const DEFAULT_THRESHOLD_MS = 200
const DEFAULT_AVAILABILITY = 0.999

const THRESHOLD_MS: Readonly<Record<Slo['class'], number | undefined>> = {
  realtime: 100,
  interactive: 500,
  'near-realtime': 5000,
  batch: undefined,
}

/** What a version is held to. */
export type Objective = Pick<ObjectiveReport, 'objective' | 'thresholdMs' | 'target'>

/**
 * The objectives of a descriptor's `slo`; of none, or one that cannot be read, the defaults.
 *
 * @param complain is told why it cannot be read.
 */
export function objectivesOf(slo: unknown, complain: (cause: unknown) => void): readonly Objective[] {
  const known = slo === undefined ? undefined : readSlo(slo, complain)
  const thresholdMs = known ? THRESHOLD_MS[known.class] : DEFAULT_THRESHOLD_MS
  return [
    ...(thresholdMs === undefined ? [] : [{ objective: 'latency', thresholdMs, target: IN_TIME } as const]),
    { objective: 'availability', target: known?.availability ?? DEFAULT_AVAILABILITY },
  ]
}

function readSlo(slo: unknown, complain: (cause: unknown) => void): Slo | undefined {
  try {
    return parseWith(SloSchema, slo, 'descriptor/invalid', `The version's objectives`)
  } catch (cause) {
    complain(cause)
    return undefined
  }
}

/**
 * How an objective was kept in the last hour. Of `count` predictions, `count · (1 − target)` may be bad: the error
 * budget. Where that is less than one, a single failure would miss the objective, which says nothing: `insufficient`,
 * unless every one must be good.
 */
export function assess(objective: Objective, model: ModelCounts, now: number): ObjectiveReport {
  const { good, bad } = countsOf(objective, model, now)
  const count = good + bad
  // Numbers such as 1 − 0.95 are a little off.
  const allowed = Math.round(count * (1 - objective.target) * 1e6) / 1e6
  const isEnough = objective.target < 1 ? allowed >= 1 : count > 0
  const state = isEnough ? (bad > allowed ? 'missed' : 'met') : 'insufficient'
  return {
    ...objective,
    share: isEnough ? good / count : undefined,
    budgetLeft: 1 - bad / Math.max(1, allowed),
    state,
  }
}

function countsOf(
  { thresholdMs }: Objective,
  { hour }: ModelCounts,
  now: number,
): { readonly good: number; readonly bad: number } {
  const sum = (column: number): number => Math.max(0, hour.sum(now, column))
  if (thresholdMs === undefined) return { good: sum(AVAILABLE), bad: sum(UNAVAILABLE) }
  const counts = [...THRESHOLDS, Infinity].map((_, at) => sum(OVER - THRESHOLDS.length + at))
  const within = columnOf(thresholdMs) - columnOf(0) + 1
  const add = (total: number, count: number): number => total + count
  return { good: counts.slice(0, within).reduce(add, 0), bad: counts.slice(within).reduce(add, 0) }
}
