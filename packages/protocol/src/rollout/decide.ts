import { compareVersions, isPrerelease, type Version } from '../ids.js'
import { latestVersion, runnableVersions, type ModelIndex } from '../model-index.js'
import { deviceBucket } from './bucket.js'
import type { Alias, Rollout } from './document.js'

/** What a device remembers about itself in one rollout. */
export interface Assignment {
  readonly epoch: number
  /** Names the rollout beyond doubt: another repository counts its own epochs. */
  readonly seed: string
  /** True once the device was let into the candidate's share; it stays in for the epoch. */
  readonly admitted: boolean
}

export interface DecisionInput {
  readonly index: ModelIndex
  readonly rollout: Rollout | undefined
  readonly deviceId: string
  readonly assignment: Assignment | undefined
  /** Versions that failed on this device and may not serve now. */
  readonly failedHere: ReadonlySet<Version>
  /** A version or alias that `load()` asked for. It bypasses assignment, never kill or revocation. */
  readonly requested?: Version | Alias | 'latest' | undefined
}

/** Why a version was chosen; each has its sentence in `explain()`. */
export type DecisionReason =
  | 'latest-release'
  | 'stable'
  | 'in-canary'
  | 'outside-canary'
  | 'canary-paused'
  | 'candidate-killed'
  | 'candidate-withdrawn'
  | 'candidate-failed-here'
  | 'stable-unavailable'
  | 'requested'

export type Decision =
  | {
      readonly kind: 'serve'
      readonly version: Version
      readonly arm: 'stable' | 'candidate' | 'pinned'
      readonly reason: DecisionReason
      readonly bucket: number | undefined
      /** What to remember, when there is a rollout. */
      readonly assignment: Assignment | undefined
    }
  | {
      readonly kind: 'refuse'
      readonly reason:
        'model-killed' | 'version-killed' | 'revoked' | 'not-found' | 'failed-here' | 'nothing-runnable'
    }

/**
 * Which version this device should run. Pure and deterministic: the same documents and the same device always give
 * the same answer. Order: killed or revoked, failed here, asked for, sticky, hash.
 */
export function decide(input: DecisionInput): Decision {
  const { index, rollout, failedHere } = input
  if (rollout?.killed === 'model') return { kind: 'refuse', reason: 'model-killed' }
  if (input.requested === 'latest') return decideLatest(input)
  if (input.requested !== undefined) return decideRequested(input, input.requested)
  const usable = (version: Version): boolean =>
    !failedHere.has(version) && runnableVersions(index).includes(version)
  if (!rollout) return serveRelease(input, usable, undefined, 'latest-release')

  const bucket = deviceBucket(rollout.seed, input.deviceId)
  const { epoch, seed } = rollout
  const sticky =
    input.assignment?.epoch === epoch && input.assignment.seed === seed && input.assignment.admitted
  const inShare = rollout.candidate !== undefined && bucket < rollout.coverage
  const admitted = sticky || (inShare && !rollout.paused)
  const assignment: Assignment = { epoch, seed, admitted }
  const { candidate } = rollout

  const stable = (reason: DecisionReason): Decision =>
    serveStable(input, rollout, usable, bucket, assignment, reason)
  if (candidate === undefined) return stable('stable')
  if (rollout.killed === 'candidate') return stable('candidate-killed')
  if (!admitted) return stable(inShare ? 'canary-paused' : 'outside-canary')
  if (usable(candidate)) {
    return { kind: 'serve', version: candidate, arm: 'candidate', reason: 'in-canary', bucket, assignment }
  }
  return stable(failedHere.has(candidate) ? 'candidate-failed-here' : 'candidate-withdrawn')
}

function serveStable(
  input: DecisionInput,
  rollout: Rollout,
  usable: (version: Version) => boolean,
  bucket: number,
  assignment: Assignment,
  reason: DecisionReason,
): Decision {
  if (usable(rollout.stable)) {
    return { kind: 'serve', version: rollout.stable, arm: 'stable', reason, bucket, assignment }
  }
  // What no rollout ever named was never meant for everyone, so only what came before stands in.
  const others = (version: Version): boolean =>
    compareVersions(version, rollout.stable) < 0 && version !== rollout.candidate && usable(version)
  return serveRelease(input, others, { bucket, assignment }, 'stable-unavailable')
}

function serveRelease(
  { index }: DecisionInput,
  usable: (version: Version) => boolean,
  place: { readonly bucket: number; readonly assignment: Assignment } | undefined,
  reason: DecisionReason,
): Decision {
  const version = runnableVersions(index).find((one) => !isPrerelease(one) && usable(one))
  if (version === undefined) return { kind: 'refuse', reason: 'nothing-runnable' }
  return {
    kind: 'serve',
    version,
    arm: 'stable',
    reason,
    bucket: place?.bucket,
    assignment: place?.assignment,
  }
}

/** The highest release that may run and did not fail here. */
function decideLatest({ index, rollout, assignment, failedHere }: DecisionInput): Decision {
  const version = runnableVersions(index).find(
    (one) => !isPrerelease(one) && !isKilled(rollout, one) && !failedHere.has(one),
  )
  if (version !== undefined) return pinned(version, assignment)
  return { kind: 'refuse', reason: latestVersion(index) === undefined ? 'not-found' : 'nothing-runnable' }
}

function decideRequested(
  { index, rollout, assignment, failedHere }: DecisionInput,
  requested: Version | Alias,
): Decision {
  const version = versionOf(rollout, requested)
  if (!Object.hasOwn(index.versions, version)) return { kind: 'refuse', reason: 'not-found' }
  if (!runnableVersions(index).includes(version)) return { kind: 'refuse', reason: 'revoked' }
  if (isKilled(rollout, version)) return { kind: 'refuse', reason: 'version-killed' }
  if (failedHere.has(version)) return { kind: 'refuse', reason: 'failed-here' }
  return pinned(version, assignment)
}

/** No version is an alias: the one begins with a digit, the other with a letter. */
function versionOf(rollout: Rollout | undefined, requested: Version | Alias): Version {
  const aliases = rollout?.aliases ?? {}
  const version = Object.hasOwn(aliases, requested) ? aliases[requested as Alias] : undefined
  return version ?? (requested as Version)
}

function pinned(version: Version, assignment: Assignment | undefined): Decision {
  return { kind: 'serve', version, arm: 'pinned', reason: 'requested', bucket: undefined, assignment }
}

/** Whether the team still lets a version run: it is listed, not revoked, not too old and not switched off. */
export function mayRun(
  { index, rollout }: Pick<DecisionInput, 'index' | 'rollout'>,
  version: Version,
): boolean {
  return runnableVersions(index).includes(version) && !isKilled(rollout, version)
}

function isKilled(rollout: Rollout | undefined, version: Version): boolean {
  if (rollout?.killed === 'model') return true
  return rollout?.killed === 'candidate' && rollout.candidate === version
}
