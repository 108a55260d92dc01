import type { FleetDevice } from '../team/api.js'

/** What the team's server tells the fleet's process. */
export type ToFleet =
  /** The team changed something; every device looks within this time. */
  { readonly type: 'news'; readonly withinMs: number } | { readonly type: 'stop' }

/** What the fleet's process answers, after every change. */
export interface FromFleet {
  readonly type: 'fleet'
  readonly devices: readonly FleetDevice[]
}
