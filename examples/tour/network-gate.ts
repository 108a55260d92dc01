/** What the page tells its service worker. `set` switches the gate; each message is answered with its state. */
export type GateMessage = { readonly type: 'gate'; readonly set?: boolean } | { readonly type: 'claim' }

/** The answer, and what every open page hears when the gate was switched. */
export interface GateState {
  readonly type: 'gate-state'
  readonly open: boolean
}

export function isGateMessage(value: unknown): value is GateMessage {
  return typeIn(value, ['gate', 'claim'])
}

export function isGateState(value: unknown): value is GateState {
  return typeIn(value, ['gate-state'])
}

function typeIn(value: unknown, types: readonly string[]): boolean {
  return typeof value === 'object' && value !== null && 'type' in value && types.includes(String(value.type))
}
