import type { Decision, ErrorCode, Rollout } from '@afield/protocol'
import type { Deferred } from './activation/activator.js'
import type { Failure } from './activation/record.js'
import type { Served } from './ports.js'

/** How the last check of the repository ended. */
export interface LastCheck {
  readonly at: number
  readonly error: ErrorCode | undefined
}

/** Why a device runs what it runs, as plain data; `words/explain.ts` says it. */
export interface Facts {
  readonly model: string
  /** `undefined` when nothing serves. */
  readonly served: Served | undefined
  readonly decision: Decision
  readonly deferred: Deferred | undefined
  readonly rollout: Rollout | undefined
  readonly failures: readonly Failure[]
  readonly manifestVersion: number | undefined
  readonly stale: boolean
  /** When the manifest expires or expired, in ms since 1970. */
  readonly expiresAt: number | undefined
  readonly storage: 'indexeddb' | 'memory'
  readonly lastCheck: LastCheck | undefined
}
