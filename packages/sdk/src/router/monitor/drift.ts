import type { Profile } from '@afield/protocol'
import type { VersionTally } from './model-counts.js'
import type { DriftReport, FieldDrift } from './reports.js'

/** A bin whose share changed by more than this has drifted. */
const DRIFTED = 0.1
/** Standard errors that such a change must be, lest chance alone is taken for drift. */
const ERRORS = 4
/** Of shares near 0 or 1 a standard error says little. */
const LEAST = 100

/**
 * How far a version's inputs and answers are from its reference profile.
 *
 * A field's largest change is that of the bin whose share of all values, the missing ones among them, changed most.
 * There are enough values to say whether it drifted when a change of 0.1 is at least four standard errors of any bin's
 * share: 0.1 ≥ 4·√(r(1 − r)(1/n + 1/m)), of n values here and m in the reference, where r is the share in the
 * reference that is nearest to one half; and never of fewer than 100. For ten even bins that is 144 values of a large
 * reference, for two 400.
 */
export function driftOf(
  model: string,
  version: string | undefined,
  tally: VersionTally | undefined,
): DriftReport {
  const { predictions = 0, counts, profiled = [] } = tally ?? {}
  const fields: FieldDrift[] = []
  const outputs: FieldDrift[] = []
  let from = 0
  for (const { name, of, profile } of profiled) {
    const bins = binsOf(profile)
    const counted = bins.map((_, i) => counts?.[from + i] ?? 0)
    from += bins.length
    const drift = fieldDrift(name, profile, bins, counted)
    if (of === 'field') fields.push(drift)
    else outputs.push(drift)
  }
  return { model, version, hasReference: profiled.length > 0, predictions, fields, outputs }
}

interface Bin {
  readonly name: string
  /** In the reference. */
  readonly count: number
}

function fieldDrift(
  name: string,
  { kind }: Profile,
  bins: readonly Bin[],
  counted: readonly number[],
): FieldDrift {
  const n = sum(counted)
  const m = sum(bins.map(({ count }) => count))
  const changes = bins.map(({ count }, i) => Math.abs(shareOf(counted[i] ?? 0, n) - shareOf(count, m)))
  const largestChange = n > 0 && m > 0 ? Math.max(...changes) : 0
  const isEnough = n >= leastCount(bins, m)
  const drifted = isEnough && largestChange > DRIFTED
  return {
    name,
    kind,
    count: n,
    largestChange,
    bin: bins[changes.indexOf(largestChange)]?.name ?? '',
    drifted,
    state: drifted ? 'drifted' : isEnough ? 'stable' : 'insufficient',
  }
}

/** Infinity where the reference itself is too small to say. */
function leastCount(bins: readonly Bin[], m: number): number {
  const variance = Math.max(...bins.map(({ count }) => shareOf(count, m) * (1 - shareOf(count, m))))
  const room = (DRIFTED / ERRORS) ** 2 - variance / m
  return m > 0 && room > 0 ? Math.max(LEAST, variance / room) : Infinity
}

function binsOf(profile: Profile): readonly Bin[] {
  const missing = { name: 'missing', count: profile.missing }
  if (profile.kind === 'categories') {
    const known = profile.categories.map(({ value, count }) => ({ name: value, count }))
    return [...known, { name: 'other', count: profile.other }, missing]
  }
  const { counts, edges } = profile
  return [...counts.map((count, i) => ({ name: span(edges[i - 1], edges[i]), count })), missing]
}

function span(from: number | undefined, to: number | undefined): string {
  if (from === undefined) return to === undefined ? 'any number' : `below ${to}`
  return to === undefined ? `${from} or more` : `${from} to ${to}`
}

function shareOf(count: number, total: number): number {
  return total > 0 ? count / total : 0
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}
