import { AfieldError, type Afield, type Explanation, type StorageReport, type TelemetryReport } from 'afield'
import { MODEL } from './device.js'

const LOOK_EVERY_MS = 1000

/** What this device says about itself at one moment. */
export interface DeviceSnapshot {
  /** `undefined` until the model was loaded once. */
  readonly explanation: Explanation | undefined
  readonly storage: StorageReport
  readonly telemetry: TelemetryReport
}

/**
 * Asks the device about itself once a second while the page is in view, and at once when something happened.
 *
 * @returns a function that asks now.
 */
export function watchDevice(afield: Afield, listener: (snapshot: DeviceSnapshot) => void): () => void {
  let turn = 0
  const look = async (): Promise<void> => {
    const mine = ++turn
    const [explanation, storage, telemetry] = await Promise.all([
      explainOrNothing(afield),
      afield.storage(),
      afield.telemetry(),
    ])
    if (mine === turn) listener({ explanation, storage, telemetry })
  }
  const now = (): void => {
    look().catch((error: unknown) => console.warn('The device did not say how it is.', error))
  }
  for (const event of ['update', 'rejected', 'checked'] as const) afield.on(event, now)
  document.addEventListener('visibilitychange', now)
  setInterval(() => {
    if (document.visibilityState === 'visible') now()
  }, LOOK_EVERY_MS)
  now()
  return now
}

async function explainOrNothing(afield: Afield): Promise<Explanation | undefined> {
  try {
    return await afield.explain(MODEL)
  } catch (error) {
    if (error instanceof AfieldError && error.code === 'model/not-found') return undefined
    throw error
  }
}
