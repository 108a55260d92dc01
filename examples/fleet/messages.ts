import type { FleetDevice } from '../team/api.js'

/** What the team's server tells the fleet's process. */
export type ToFleet =
  /** The team changed something; every device looks within a few seconds. */
  { readonly type: 'news' } | { readonly type: 'stop' }

/** What the fleet's process answers, after every change. */
export interface FromFleet {
  readonly type: 'fleet'
  readonly devices: readonly FleetDevice[]
}
