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

/** A page that is asked all the time, such as for each frame of a camera, has none, and most to gain: no longer then. */
const LATEST_MS = 2000

/** Of inference, after the keeper could not be asked. */
const AGAIN_MS = 10_000

/**
 * Has the keeper consider another backend for what serves when it has worked as much as the keeper said and is idle, or
 * two seconds later. It switches nothing itself.
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
  let waitsSince: number | undefined
  const after = (ms: number, then: () => void): void => {
    clearTimeout(timer)
    timer = setTimeout(then, ms)
  }
  const consider = async (): Promise<void> => {
    if (isAsking || isOver() || set.ranMs < due) return
    isAsking = true
    const { ranMs, together } = set
    try {
      due = ranMs + (await ask({ inferenceMs: ranMs, together, backend }))
    } catch {
      // The keeper said why. What its code or the network lacked may be here later.
      due = ranMs + AGAIN_MS
    }
    isAsking = false
    waitsSince = undefined
    if (isOver()) return
    if (due === Infinity) set.onIdle = undefined
    else if (!set.isIdle) look()
  }
  const look = (): void => {
    if (isOver()) return
    if (set.ranMs < due) {
      // An idle set calls back; one that is never idle is looked at again.
      if (!set.isIdle) after(LATEST_MS, look)
      return
    }
    waitsSince ??= performance.now()
    const left = waitsSince + LATEST_MS - performance.now()
    after(Math.max(0, Math.min(IDLE_MS, left)), () => void consider())
  }
  // The app has asked for another backend since, or something else serves.
  const isOver = (): boolean => set.onIdle !== look
  set.onIdle = look
  look()
}
