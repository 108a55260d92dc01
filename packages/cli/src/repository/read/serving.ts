import { decide, type ModelIndex, type Rollout } from '@afield/protocol'
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

/** The version that a device in or out of the candidate's share runs; `undefined` when none, or no such share. */
export function servesAs(
  index: ModelIndex,
  rollout: Rollout | undefined,
  share: 'stable' | 'candidate',
): string | undefined {
  const admitted = share === 'candidate'
  if (admitted && rollout?.candidate === undefined) return undefined
  const assignment = rollout && { epoch: rollout.epoch, seed: rollout.seed, admitted }
  const outside = rollout && !admitted ? { ...rollout, paused: true } : rollout
  const decision = decide({
    index,
    rollout: outside,
    deviceId: '',
    assignment,
    failedHere: new Set(),
  })
  if (decision.kind === 'refuse') return undefined
  return admitted && decision.arm !== 'candidate' ? undefined : decision.version
}
