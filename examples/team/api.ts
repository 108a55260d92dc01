/**
 * What the tour's team pane and its server say to each other. `GET /team/events` streams {@link TeamState} as
 * server-sent events, one now and one at each change; `POST /team/actions/<action>` runs a real CLI command and
 * answers with the {@link CommandRun}.
 */

export const ACTIONS = [
  'publish-v2',
  'start-canary',
  'step',
  'promote',
  'ship-broken',
  'kill',
  'revive',
  'reset',
  'log',
] as const
export type Action = (typeof ACTIONS)[number]

/** One CLI command that was run, as a person would type it, and what it printed. */
export interface CommandRun {
  readonly action: Action
  readonly command: string
  readonly ok: boolean
  readonly output: string
  /** Milliseconds the command took. */
  readonly ms: number
  /** ISO time at which it ended. */
  readonly at: string
}

/** A simulated device: a real keeper in a process of its own. */
export interface FleetDevice {
  readonly id: number
  readonly version: string | undefined
  /** 0 to 9,999: where the rollout's hash puts it; `undefined` without a rollout. */
  readonly bucket: number | undefined
  /** The reason of the keeper's decision, such as `in-canary`. */
  readonly reason: string
  /** Versions that failed on this device. */
  readonly failed: readonly string[]
}

export interface TeamState {
  /** Versions in the repository, oldest first. */
  readonly versions: readonly string[]
  readonly stable: string | undefined
  readonly candidate: string | undefined
  /** Percent of devices the candidate is meant for. */
  readonly coverage: number
  readonly killed: 'none' | 'candidate' | 'model'
  /** Actions that make sense now; the others' buttons are disabled. */
  readonly possible: readonly Action[]
  /** The action that is running. */
  readonly running: Action | undefined
  /** Newest first. */
  readonly commands: readonly CommandRun[]
  readonly fleet: readonly FleetDevice[]
  /** Milliseconds from the end of the last kill or abort until no device ran the candidate any more. */
  readonly rollbackMs: number | undefined
}

/** `GET /team/config.json`: where the pages find the repository and the collector. Baked into the pages at build. */
export interface TourConfig {
  readonly repository: string
  /** The repository's root metadata, as text. */
  readonly root: string
  readonly collector: string
  readonly ingestKey: string
  readonly learnerRisk: string
  readonly contentCheck: string
  readonly digitReader: string
  readonly docs: string
}
