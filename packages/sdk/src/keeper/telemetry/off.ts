import type { KeyValueStore } from '../ports.js'
import type { TelemetryReport } from './port.js'

/** What telemetry stores has keys that begin so. */
export const ROOM = 'telemetry/'

export const TELEMETRY_OFF: TelemetryReport = {
  state: 'off',
  open: [],
  pending: [],
  sent: 0,
  lastSent: undefined,
  drops: {},
}

/** What was counted while telemetry was on is deleted, unsent, once it is off; without any, nothing is written. */
export async function forgetTelemetry(state: KeyValueStore): Promise<void> {
  const keys = (await state.keys()).filter((key) => key.startsWith(ROOM))
  if (keys.length > 0) await state.write(new Map(keys.map((key) => [key, undefined])))
}
