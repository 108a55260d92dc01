import { latestVersion, runnableVersions, type ModelIndex } from '../model-index.js'
import type { Version } from '../ids.js'
import { decide } from './decide.js'
import type { Rollout } from './document.js'

/** The version that a device in or out of the candidate's share runs; `undefined` when none, or no such share. */
export function servesAs(
  index: ModelIndex,
  rollout: Rollout | undefined,
  share: 'stable' | 'candidate',
): Version | undefined {
  const admitted = share === 'candidate'
  if (admitted && rollout?.candidate === undefined) return undefined
  const assignment = rollout && { epoch: rollout.epoch, seed: rollout.seed, admitted }
  const outside = rollout && !admitted ? { ...rollout, paused: true } : rollout
  const decision = decide({ index, rollout: outside, deviceId: '', assignment, failedHere: new Set() })
  if (decision.kind === 'refuse') return undefined
  return admitted && decision.arm !== 'candidate' ? undefined : decision.version
}

/**
 * The versions that an app may meet, the stable one first. A model that is killed for now counts as what it was; empty
 * when no version may run.
 */
export function servedVersions(index: ModelIndex, rollout: Rollout | undefined): readonly Version[] {
  const revived = rollout?.killed === 'model' ? { ...rollout, killed: 'none' as const } : rollout
  const named = [servesAs(index, revived, 'stable'), servesAs(index, revived, 'candidate')]
  const served = runnableVersions(index).filter((version) => named.includes(version))
  if (served.length > 0) return served.sort((a, b) => named.indexOf(a) - named.indexOf(b))
  // Pre-releases serve nobody by themselves, yet an app may name one.
  const only = latestVersion(index) ?? runnableVersions(index)[0]
  return only === undefined ? [] : [only]
}
