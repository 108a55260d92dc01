import type { Backend } from '@afield/protocol'
import type { Load } from '../keeper/engines/port.js'

/** What serves on a route, as far as another backend's worth can be told by it. */
export interface Worked {
  /** Ms that its engines ran. */
  readonly ranMs: number
  /** How many predictions usually share a run. */
  readonly together: number
  readonly isIdle: boolean
  /** Called whenever nothing is asked any more. */
  onIdle: (() => void) | undefined
}

/** A moment without a prediction: time enough to say that the page has what it asked for. */
const IDLE_MS = 200
/** A page that asks again and again, such as for each frame of a camera, has no such moment: from then on any gap does. */
const PATIENCE_MS = 2000

/** Of inference, after the keeper could not be asked. */
const AGAIN_MS = 10_000

/**
 * Has the keeper consider another backend for what serves whenever it is idle and has worked as much as the keeper said.
 * It switches nothing itself.
 *
 * @param ask the keeper; see `EngineCalls.consider`.
 * @param backend what the app asked for.
 */
export function considerBackends(
  set: Worked,
  backend: Backend | 'auto',
  ask: (load: Load) => Promise<number>,
): void {
  let due = 0
  let isAsking = false
  let timer: ReturnType<typeof setTimeout> | undefined
  let dueSince: number | undefined
  const consider = async (): Promise<void> => {
    if (isAsking || !set.isIdle || set.ranMs < due) return
    isAsking = true
    const { ranMs, together } = set
    try {
      due = ranMs + (await ask({ inferenceMs: ranMs, together, backend }))
    } catch {
      // The keeper said why. What its code or the network lacked may be here later.
      due = ranMs + AGAIN_MS
    }
    isAsking = false
    dueSince = undefined
    if (due === Infinity) set.onIdle = undefined
  }
  set.onIdle = () => {
    clearTimeout(timer)
    if (set.ranMs < due) return
    const now = performance.now()
    dueSince ??= now
    timer = setTimeout(() => void consider(), now - dueSince < PATIENCE_MS ? IDLE_MS : 0)
  }
  if (set.isIdle) set.onIdle()
}
