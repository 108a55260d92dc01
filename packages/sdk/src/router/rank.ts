import { AfieldError, invalidInput, type Answer, type Outputs } from '@afield/protocol'
import type { CandidateAnswer, PredictManyOptions, Predictions } from '../api.js'

/** @throws AfieldError `input/invalid`, before anything is asked. */
export function checkRanking(candidates: unknown, { rankBy, order, top }: PredictManyOptions): void {
  if (!Array.isArray(candidates)) throw invalidInput('candidates', 'mistyped', 'are an array of inputs')
  if (order !== undefined && order !== 'ascending' && order !== 'descending') {
    throw invalidInput('order', 'unknown', 'is "ascending" or "descending"')
  }
  if (top === undefined) return
  if (!Number.isInteger(top) || top < 1) throw invalidInput('top', 'out-of-range', 'is a whole number from 1')
  if (rankBy === undefined) throw invalidInput('top', 'unknown', 'goes with rankBy')
}

/**
 * The answers in the candidates' order, or sorted by an output, NaN last; the failures apart.
 *
 * @throws AfieldError `input/invalid`, field `rankBy`, for an output that is not there or no number.
 */
export function rank(
  settled: readonly (Answer | AfieldError)[],
  { rankBy, order = 'descending', top }: PredictManyOptions,
): Pick<Predictions, 'results' | 'failures'> {
  const results: CandidateAnswer[] = []
  const failures: Predictions['failures'][number][] = []
  for (const [index, one] of settled.entries()) {
    if (one instanceof AfieldError) failures.push({ index, error: one })
    else results.push({ index, outputs: one.outputs })
  }
  if (rankBy === undefined) return { results, failures }
  const sign = order === 'ascending' ? 1 : -1
  const ranked = results
    .map((result) => ({ result, score: scoreOf(result.outputs, rankBy) }))
    .sort(
      ({ score: a }, { score: b }) =>
        Number(Number.isNaN(a)) - Number(Number.isNaN(b)) || sign * (Number(a > b) - Number(a < b)),
    )
    .map(({ result }) => result)
  return { results: ranked.slice(0, top), failures }
}

function scoreOf(outputs: Outputs, name: string): number {
  const score = Object.hasOwn(outputs, name) ? numberOf(outputs[name]) : undefined
  if (score !== undefined) return score
  const rankable = Object.keys(outputs).filter((output) => numberOf(outputs[output]) !== undefined)
  throw invalidInput(
    'rankBy',
    'unknown',
    `names a number or a label of the outputs: ${rankable.join(', ') || 'none'}`,
  )
}

function numberOf(output: Outputs[string] | undefined): number | undefined {
  if (typeof output === 'number') return output
  // A fallback may answer with anything.
  return typeof output === 'object' && output !== null && 'score' in output ? output.score : undefined
}
