import { SloSchema, parseWith, type Slo } from '@afield/protocol'
import { AVAILABLE, OVER, THRESHOLDS, UNAVAILABLE, columnOf, type ModelCounts } from './model-counts.js'
import type { ObjectiveReport } from './reports.js'

/** The share of predictions that must be as fast as their class says. */
const IN_TIME = 0.95
/** What comes by chance less often than that is no accident: not three of three at 90 %, which come just as often. */
const RARE = 0.001
const ROUNDING = 1e-12
/** One failure alone says nothing, however rare it should be: where 99.99 % is the target, the very first would. */
const LEAST_FAILURES = 2
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
 * unless every one must be good. Availability alone is `missed` there too, where so many failures are no accident
 * ({@link isNoAccident}): a page that asks 20 times an hour would otherwise never hear of an outage.
 */
export function assess(objective: Objective, model: ModelCounts, now: number): ObjectiveReport {
  const { good, bad } = countsOf(objective, model, now)
  const count = good + bad
  // Numbers such as 1 − 0.95 are a little off.
  const allowed = Math.round(count * (1 - objective.target) * 1e6) / 1e6
  const isEnough = objective.target < 1 ? allowed >= 1 : count > 0
  const state = isEnough ? (bad > allowed ? 'missed' : 'met') : stateOfFew(objective, bad, count)
  return {
    ...objective,
    share: state === 'insufficient' ? undefined : good / count,
    budgetLeft: 1 - bad / Math.max(1, allowed),
    state,
  }
}

/** An answer that is slow says less: a page's first ones are. */
function stateOfFew({ objective, target }: Objective, bad: number, count: number): ObjectiveReport['state'] {
  return objective === 'availability' && isNoAccident(bad, count, target) ? 'missed' : 'insufficient'
}

/**
 * Whether so many failures, two at least, come by chance less than once in a thousand looks where the target is met: by
 * the upper tail of the binomial distribution, P(X ≥ failed) = 1 − Σ C(count, i) pⁱ (1 − p)^(count − i) for i < failed,
 * with p = 1 − target. That is the exact one-sided binomial test (C. J. Clopper and E. S. Pearson, Biometrika 26, 1934,
 * pages 404 to 413).
 *
 * At 99.9 %, two failures are no accident among 45 predictions, three among 191, four among 429, five among 741, six
 * among 999. Who looks after each of the first 999 is told so by chance in fewer than 5 of 1,000 cases, the sum of these.
 */
export function isNoAccident(failed: number, count: number, target: number): boolean {
  if (failed < LEAST_FAILURES) return false
  let term = target ** count
  let fewer = 0
  for (let i = 0; i < failed; i++) {
    fewer += term
    term *= ((count - i) / (i + 1)) * (1 / target - 1)
  }
  return 1 - fewer < RARE - ROUNDING
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
