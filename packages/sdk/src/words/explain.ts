import type { Decision, ErrorCode, Rollout, Version } from '@afield/protocol'
import type { Deferred } from '../keeper/activation/activator.js'
import type { EngineFacts } from '../engine/messages.js'
import type { Verdict } from '../keeper/engines/verdict-record.js'
import type { Facts, LastCheck } from '../keeper/facts.js'
import type { Terms } from '../keeper/ports.js'
import { bytesInWords } from './bytes.js'

/** Why this device runs this version, on this backend, right now. */
export interface Explanation {
  readonly model: string
  /** `undefined` when nothing serves. */
  readonly version: Version | undefined
  readonly backend: string | undefined
  /** The build of onnxruntime that runs it, on how many threads; which files it was made of. */
  readonly engine: (EngineFacts & { readonly variant: Terms['variant'] }) | undefined
  /** What was found out about this version on other backends here. */
  readonly backends: readonly BackendVerdict[]
  readonly arm: 'stable' | 'candidate' | 'pinned' | undefined
  readonly reason: Decision['reason'] | 'last-good'
  /** The whole story in plain words. */
  readonly sentence: string
  /** The device's place among 10,000, and how many of them the candidate is meant for. */
  readonly bucket: number | undefined
  readonly coverage: number | undefined
  /** Versions that failed on this device and rest until then (ms since 1970). */
  readonly failures: readonly { version: Version; code: ErrorCode; message: string; until: number }[]
  /** An update whose download waits, how much it is, and why. */
  readonly deferred: Deferred | undefined
  readonly manifestVersion: number | undefined
  /** True when the manifest has expired; the last verified version goes on serving. */
  readonly stale: boolean
  /** When the manifest expires or expired, in ms since 1970. */
  readonly expiresAt: number | undefined
  readonly storage: 'indexeddb' | 'memory'
  readonly lastCheck: LastCheck | undefined
}

export type BackendVerdict = Pick<
  Verdict,
  'backend' | 'outcome' | 'why' | 'message' | 'wasmMs' | 'backendMs' | 'bringUpMs' | 'until'
>

/** Says why a device runs what it runs. */
export function explain(facts: Facts): Explanation {
  const { model, served, terms, verdicts, decision, deferred, rollout, stale, expiresAt } = facts
  const bucket = decision.kind === 'serve' ? decision.bucket : undefined
  const waiting = decision.kind === 'serve' && served?.version !== decision.version
  return {
    model,
    version: served?.version,
    backend: served?.backend,
    engine: terms && { ...terms.engine, variant: terms.variant },
    backends: verdicts.map(({ descriptor: _same, on: _here, ...verdict }) => verdict),
    arm: served?.arm,
    reason: waiting ? 'last-good' : decision.reason,
    sentence: [
      served
        ? `This device runs ${model} ${served.version} on ${BACKEND_NAMES[served.backend]}${terms ? inFull(terms) : ''}`
        : 'Nothing serves',
      waiting
        ? `, because ${decision.version}, which is meant for ${served ? 'it' : 'this device'}, is not here yet`
        : because(decision, rollout),
      ...verdicts.map((verdict) => unused(verdict)),
      ...facts.failures.map((failure) => `. ${failure.version} failed here: ${trimStop(failure.message)}`),
      deferred ? `. ${waitingFor(deferred)}` : '',
      stale && expiresAt !== undefined
        ? `. The manifest expired on ${new Date(expiresAt).toISOString().slice(0, 10)}, so it may be behind`
        : '',
      facts.lastCheck?.error ? `. The last check did not get through (${facts.lastCheck.error})` : '',
      '.',
    ].join(''),
    bucket,
    coverage: rollout?.candidate === undefined ? undefined : rollout.coverage,
    failures: facts.failures.map(({ version, code, message, until }) => ({ version, code, message, until })),
    deferred,
    manifestVersion: facts.manifestVersion,
    stale,
    expiresAt,
    storage: facts.storage,
    lastCheck: facts.lastCheck,
  }
}

const DEFERRALS = {
  'save-data': 'the user asks sites to save data',
  metered: 'this connection is paid for by the byte',
  'not-agreed': 'the app has not agreed to the download',
} as const

function waitingFor({ version, bytes, why }: Deferred): string {
  if (why !== 'no-room') return `Its ${bytesInWords(bytes)} wait: ${DEFERRALS[why]}`
  return `${version} is here and waits for the next start: this device has no room for two engines`
}

function inFull({ engine, variant }: Terms): string {
  const { backend, build, threads } = engine
  const details = [
    ...(threads > 1 ? [`${threads} threads`] : []),
    ...(variant === 'fp32' ? [] : [variant]),
    ...(backend === 'wasm' ? [] : [`the ${build} build`]),
  ]
  return details.length > 0 ? ` (${details.join(', ')})` : ''
}

/** Why another backend does not serve, and whether that may change. */
function unused({ backend, outcome, message, until }: Verdict): string {
  if (outcome === 'won') return ''
  const rests = until === undefined ? '' : `, and it rests until ${new Date(until).toISOString()}`
  return `. ${BACKEND_NAMES[backend]} is not used: ${trimStop(message)}${rests}`
}

const BACKEND_NAMES = { wasm: 'WASM', webgpu: 'WebGPU', webnn: 'WebNN' } as const

function because(decision: Decision, rollout: Rollout | undefined): string {
  const candidate = rollout?.candidate ?? 'the candidate'
  const share = rollout ? `${rollout.coverage / 100} %` : ''
  const place =
    decision.kind === 'serve' && decision.bucket !== undefined ? `bucket ${decision.bucket} of 10,000` : ''
  switch (decision.reason) {
    case 'latest-release':
      return ', the newest release, because no rollout says otherwise'
    case 'stable':
      return ', the stable version'
    case 'in-canary':
      return `, because it is among the ${share} of devices that try ${candidate} (${place})`
    case 'outside-canary':
      return `, because it is not among the ${share} of devices that try ${candidate} (${place})`
    case 'canary-paused':
      return `, because the rollout of ${candidate} is paused and admits no new device (${place})`
    case 'candidate-killed':
      return `, because the team switched ${candidate} off`
    case 'candidate-withdrawn':
      return `, because ${candidate} was revoked`
    case 'candidate-failed-here':
      return `, although it is among the ${share} of devices that should try ${candidate} (${place})`
    case 'stable-unavailable':
      return `, because the stable version ${rollout?.stable ?? ''} cannot run here`
    case 'requested':
      return ', because the app asked for this version'
    case 'model-killed':
      return ', because the team switched the model off'
    case 'revoked':
      return ', because the version that the app asked for was revoked'
    case 'version-killed':
      return ', because the team switched off the version that the app asked for'
    case 'failed-here':
      return ', because the version that the app asked for failed on this device'
    case 'not-found':
      return ', because the version that the app asked for does not exist'
    case 'nothing-runnable':
      return ', because no version may run here'
  }
}

function trimStop(sentence: string): string {
  return sentence.replace(/\.$/, '')
}
