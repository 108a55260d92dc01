import type { ModelIndex, Rollout, Version } from '@afield/protocol'
import type { RolloutAction } from './action.js'
import { formatPercent } from './percent.js'
import { setAlias } from './alias.js'
import { refuse } from './refuse.js'
import { pinNewest, startRollout } from './start.js'
import { requireRunnable } from './versions.js'

/** A rollout before it is attributed and signed. */
export type RolloutState = Omit<Rollout, 'predecessor' | 'change'>

type Running = Rollout & { readonly candidate: Version }

/**
 * What a rollout is after an action. Pure but for a new rollout's random seed. What brings a version to devices asks
 * whether it may still run; what takes one away never refuses for that reason.
 *
 * @throws AfieldError `rollout/invalid` when the action makes no sense now; `model/not-found`, `model/revoked`.
 */
export function applyAction(
  current: Rollout | undefined,
  index: ModelIndex,
  action: RolloutAction,
): RolloutState {
  if (action.kind === 'start') return startRollout(current, index, action)
  if (action.kind === 'kill' && action.what === 'model') return killModel(current ?? pinNewest(index), index)
  if (!current) {
    throw refuse(
      `${index.name} has no rollout yet. Begin one with: afield rollout start ${index.name} --stable VERSION`,
    )
  }
  switch (action.kind) {
    case 'step':
      return step(healthy(running(current), index), action.to)
    case 'promote':
      return promote(healthy(running(current), index))
    case 'abort':
      return withdraw(running(current))
    case 'pause':
      if (current.paused) throw refuse('the rollout is paused already')
      return { ...running(current), paused: true }
    case 'resume':
      if (!current.paused) throw refuse('the rollout is not paused')
      return { ...healthy(running(current), index, 'paused'), paused: false }
    case 'kill':
      if (current.killed !== 'none') throw refuse(`the ${current.killed} is killed already`)
      return { ...running(current), killed: 'candidate' }
    case 'revive':
      return revive(current, index)
    case 'alias':
      return setAlias(current, index, action)
  }
}

function step(current: Running, to: number | undefined): RolloutState {
  const next = to ?? current.steps.find((coverage) => coverage > current.coverage)
  if (next === undefined) {
    throw refuse(
      `${current.candidate} is at the last step, ${formatPercent(current.coverage)}. Promote or abort it`,
    )
  }
  if (next === current.coverage) throw refuse(`coverage is ${formatPercent(next)} already`)
  return { ...current, coverage: next }
}

function promote(current: Running): RolloutState {
  return { ...withdraw(current), stable: current.candidate }
}

/** No candidate any more: every device runs the stable version. A killed model stays killed. */
function withdraw(current: Running): RolloutState {
  const killed = current.killed === 'candidate' ? 'none' : current.killed
  return { ...current, candidate: undefined, coverage: 0, paused: false, killed }
}

function killModel(current: RolloutState, index: ModelIndex): RolloutState {
  if (current.killed === 'model') throw refuse(`${index.name} is killed already`)
  return { ...current, killed: 'model' }
}

function revive(current: Rollout, index: ModelIndex): RolloutState {
  if (current.killed === 'none') throw refuse('nothing is killed')
  requireRunnable(index, current.stable)
  if (current.candidate !== undefined) requireRunnable(index, current.candidate)
  return { ...current, killed: 'none' }
}

function running(current: Rollout): Running {
  const { candidate } = current
  if (candidate !== undefined) return { ...current, candidate }
  throw refuse(
    `no candidate is on its way; every device runs ${current.stable}. Begin with: afield rollout start ${current.model} --candidate VERSION`,
  )
}

/** Refuses to widen what is held back, or what may not run. */
function healthy(current: Running, index: ModelIndex, besides?: 'paused'): Running {
  if (current.killed !== 'none') throw refuse(`the ${current.killed} is killed. Revive it first, or abort`)
  if (current.paused && besides !== 'paused') throw refuse('the rollout is paused. Resume it first, or abort')
  requireRunnable(index, current.stable)
  requireRunnable(index, current.candidate)
  return current
}
