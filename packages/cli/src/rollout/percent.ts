import { BUCKETS } from '@afield/protocol'
import { CliError } from '../errors.js'

/**
 * Basis points of a percentage as people type it: `5`, `0.25` or `12.5`.
 *
 * @throws CliError `usage` for more than two decimals, or outside 0.01 to 100.
 */
export function parsePercent(text: string): number {
  const [, whole, fraction = ''] = /^(\d{1,3})(?:\.(\d{1,2}))?$/.exec(text.trim()) ?? []
  const basisPoints = Number(whole) * 100 + Number(fraction.padEnd(2, '0'))
  if (whole !== undefined && basisPoints >= 1 && basisPoints <= BUCKETS) return basisPoints
  throw new CliError('usage', `"${text}" is not a percentage from 0.01 to 100 with at most two decimals.`)
}

/** @throws CliError `usage` also when the steps do not rise. */
export function parseSteps(text: string): readonly number[] {
  const steps = text.split(',').map(parsePercent)
  if (steps.every((step, i) => step > (steps[i - 1] ?? 0))) return steps
  throw new CliError('usage', `The steps "${text}" do not rise.`)
}

/** The ladder of even steps up to everyone: `stepsBy(3000)` is 30, 60, 90 and 100 %. */
export function stepsBy(basisPoints: number): readonly number[] {
  const rungs = Math.ceil(BUCKETS / basisPoints)
  return Array.from({ length: rungs }, (_, i) => Math.min(BUCKETS, (i + 1) * basisPoints))
}

/** Such as `5 %` or `12.5 %`. */
export function formatPercent(basisPoints: number): string {
  return `${basisPoints / 100} %`
}
