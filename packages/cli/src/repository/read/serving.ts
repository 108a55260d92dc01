import { servesAs, type ModelIndex, type Rollout } from '@afield/protocol'
import { formatPercent } from '../../rollout/percent.js'

/** What devices run of a model by its signed documents, in one sentence for people. */
export function describeServing(index: ModelIndex, rollout: Rollout | undefined): string {
  const { name } = index
  if (rollout?.killed === 'model') return `${name} is killed; no version runs.`
  const base = servesAs(index, rollout, 'stable')
  const candidate = servesAs(index, rollout, 'candidate')
  if (base === undefined) return `${name}: nothing is left that may run; apps answer with their fallback.`
  const others = `every device${candidate === undefined ? '' : ' besides'} runs ${base}`
  if (candidate === undefined || rollout === undefined) return `${name}: ${others}.`
  return `${name}: ${candidate} goes to ${formatPercent(rollout.coverage)} of devices; ${others}.`
}
