import { randomBytes } from 'node:crypto'
import {
  AfieldError,
  isPrerelease,
  runnableVersions,
  type ModelIndex,
  type Rollout,
  type Version,
} from '@afield/protocol'
import type { StartAction } from './action.js'
import type { RolloutState } from './apply.js'
import { refuse } from './refuse.js'
import { requireRunnable } from './versions.js'

const DEFAULT_STEPS: readonly number[] = [500, 2500, 10_000]

/** A new epoch. What runs elsewhere is forgotten: every device is assigned anew, by the new seed. */
export function startRollout(
  current: Rollout | undefined,
  index: ModelIndex,
  action: StartAction,
): RolloutState {
  if (current?.killed === 'model') {
    throw refuse(`${index.name} is killed, and a new rollout would bring it back. Revive it first`)
  }
  if (action.candidate === undefined && action.stable === undefined) {
    throw refuse('neither a candidate nor a stable version is named. Add --candidate, or --stable to pin one')
  }
  const candidate = action.candidate === undefined ? undefined : requireRunnable(index, action.candidate)
  const stable = requireRunnable(index, action.stable ?? current?.stable ?? defaultStable(index, candidate))
  if (stable === candidate) {
    throw refuse(
      `the candidate ${candidate} is the stable version already. Name another with --stable or --candidate`,
    )
  }
  const steps = candidate === undefined ? [] : (action.steps ?? DEFAULT_STEPS)
  return {
    format: 1,
    model: index.name,
    epoch: (current?.epoch ?? 0) + 1,
    strategy: 'canary',
    stable,
    ...(candidate === undefined ? {} : { candidate }),
    coverage: steps[0] ?? 0,
    steps: [...steps],
    seed: action.seed ?? randomSeed(),
    paused: false,
    killed: 'none',
    ...(current?.aliases ? { aliases: current.aliases } : {}),
  }
}

/** A rollout for a model that never had one, so that it can be killed in an emergency. */
export function pinNewest(index: ModelIndex): RolloutState {
  const stable = highest(index, undefined) ?? runnableVersions(index)[0]
  if (stable === undefined) throw refuse(`${index.name} has no version that may run`)
  return startRollout(undefined, index, { kind: 'start', stable })
}

function defaultStable(index: ModelIndex, candidate: Version | undefined): Version {
  const stable = highest(index, candidate)
  if (stable !== undefined) return stable
  throw new AfieldError(
    'model/not-found',
    `${index.name} has no release besides ${candidate}, so there is nothing for the other devices to run. ` +
      'Publish another version, or name one with --stable.',
  )
}

function highest(index: ModelIndex, besides: Version | undefined): Version | undefined {
  return runnableVersions(index).find((version) => version !== besides && !isPrerelease(version))
}

function randomSeed(): string {
  return randomBytes(16).toString('hex')
}
