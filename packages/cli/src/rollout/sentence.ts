import type { Rollout } from '@afield/protocol'
import type { RolloutAction } from './action.js'
import { formatPercent } from './percent.js'

/** What an action did, in one sentence for people. */
export function describeChange(
  action: RolloutAction,
  rollout: Rollout,
  previous: Rollout | undefined,
): string {
  const { model, stable, candidate } = rollout
  switch (action.kind) {
    case 'start':
      return candidate === undefined
        ? `${model}: every device runs ${stable} until a rollout says otherwise.`
        : `${model}: ${candidate} goes to ${formatPercent(rollout.coverage)} of devices; the others run ${stable}.`
    case 'step':
      return `${model}: ${candidate} goes to ${formatPercent(rollout.coverage)} of devices (before: ${formatPercent(previous?.coverage ?? 0)}); the others run ${stable}.`
    case 'abort':
      return `${model}: ${previous?.candidate} is taken back; every device runs ${stable}.`
    case 'promote':
      return `${model}: ${stable} is the stable version now, for every device.`
    case 'pause':
      return `${model}: no further device gets ${candidate}; those that have it keep it.`
    case 'resume':
      return `${model}: ${candidate} goes on to ${formatPercent(rollout.coverage)} of devices.`
    case 'kill':
      return action.what === 'model'
        ? `${model} is killed: no version runs anywhere, and apps answer with their fallback.`
        : `${model}: ${candidate} is killed; every device runs ${stable}.`
    case 'alias':
      return action.version === undefined
        ? `${model}: "${action.alias}" names no version any more; an app that asks for it is told so.`
        : `${model}: "${action.alias}" is ${action.version}${aliasBefore(action.alias, previous)}.`
    case 'revive':
      return `${model} is revived. ${describeRollout(rollout)}`
  }
}

function aliasBefore(alias: string, previous: Rollout | undefined): string {
  const before = Object.entries(previous?.aliases ?? {}).find(([name]) => name === alias)?.[1]
  return before === undefined ? '' : ` (before: ${before})`
}

/** Where a rollout stands, in one sentence for people. */
export function describeRollout({ model, stable, candidate, coverage, paused, killed }: Rollout): string {
  if (killed === 'model') return `${model} is killed; no version runs.`
  if (candidate === undefined) return `${model}: every device runs ${stable}.`
  if (killed === 'candidate') return `${model}: ${candidate} is killed; every device runs ${stable}.`
  const held = paused ? ' It is paused.' : ''
  return `${model}: ${candidate} goes to ${formatPercent(coverage)} of devices; the others run ${stable}.${held}`
}

/** The command that most likely comes next, without `afield`. */
export function nextCommand({ model, candidate, coverage, steps, paused, killed }: Rollout): string {
  if (killed === 'model') return `rollout revive ${model}`
  if (candidate === undefined) return `rollout start ${model} --candidate VERSION`
  if (killed === 'candidate') return `rollout abort ${model}`
  if (paused) return `rollout resume ${model}`
  return steps.some((step) => step > coverage) ? `rollout step ${model}` : `rollout promote ${model}`
}
