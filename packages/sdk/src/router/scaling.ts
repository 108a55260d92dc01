import type { ServingOptions } from '../api.js'
import type { EngineSet } from './engine-set.js'
import type { RouteCalls } from './route.js'

/** Engines of one model at most, whatever the app asks for: more of them would wait for a core. */
const MAX_WORKERS = 8
/** How often the load is looked at while there is any. */
const SAMPLE_MS = 500
/** Samples that a decision rests on: 2 s. */
const WINDOW = 4
/** Share of the time that engines work, above which one is added, and below which one goes. */
const OUT_ABOVE = 0.8
const IN_BELOW = 0.5
/** After one was added or went, so that its effect is seen before the next. */
const OUT_COOL_DOWN_MS = 2000
const IN_COOL_DOWN_MS = 5000
/** After the budget of this page had no room, or an engine could not be started. */
const NO_ROOM_MS = 30_000

/**
 * Keeps a set at as many engines as the app asks for, or as the load does.
 *
 * A server measures over minutes, since a machine takes minutes to come and is paid for by the hour. An engine here
 * takes half a second to come, and costs memory that the page and the device's other tabs want back: so 2 s of more
 * than 80 % busy bring one more, and 2 s of less than 50 % end one, at least 2 s and 5 s after the last change. Work
 * that waits is asked for too: where one caller awaits each answer, a second engine would have nothing to do.
 */
export class Scaling {
  readonly #set: EngineSet
  readonly #target: number
  readonly #isAuto: boolean
  readonly #calls: RouteCalls
  readonly #samples: { readonly at: number; readonly workedMs: number; readonly waited: number }[] = []
  #timer: ReturnType<typeof setTimeout> | undefined
  #isGrowing = false
  #isStopped = false
  #changedAt = -Infinity
  #noRoomUntil = -Infinity

  constructor(set: EngineSet, workers: NonNullable<ServingOptions['workers']>, calls: RouteCalls) {
    this.#set = set
    this.#isAuto = workers === 'auto'
    const cores = Math.min(globalThis.navigator?.hardwareConcurrency ?? 2, MAX_WORKERS)
    this.#target = workers === 'auto' ? cores : Math.min(workers, MAX_WORKERS)
    this.#calls = calls
    this.#look()
    set.onWork = () => this.#begin()
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  /** Only while there is work: an idle page has no timer. */
  #begin(): void {
    if (this.#isStopped || this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#look()
    }, SAMPLE_MS)
  }

  #look(): void {
    const set = this.#set
    const now = performance.now()
    const count = set.staying
    if (this.#isStopped || !set.isAlive) return
    if (!this.#isAuto) {
      if (count < this.#target) void this.#grow(now)
      else for (let left = count; left > this.#target; left--) this.#shrink()
      return
    }
    this.#samples.push({ at: now, workedMs: set.workedMs(now), waited: set.waited })
    if (this.#samples.length > WINDOW + 1) this.#samples.shift()
    const [first] = this.#samples
    const isIdle = set.isIdle && first?.workedMs === set.workedMs(now)
    if (!isIdle || count > 1) this.#begin()
    if (!first || this.#samples.length <= WINDOW) return
    const busy = (set.workedMs(now) - first.workedMs) / ((now - first.at) * count)
    const since = now - this.#changedAt
    if (busy > OUT_ABOVE && set.waited > first.waited && count < this.#target) {
      if (since > OUT_COOL_DOWN_MS) void this.#grow(now)
    } else if (busy < IN_BELOW && count > 1 && since > IN_COOL_DOWN_MS) this.#shrink()
  }

  async #grow(now: number): Promise<void> {
    if (this.#isGrowing || now < this.#noRoomUntil) return
    this.#isGrowing = true
    const member = await this.#calls.grow().catch(() => undefined)
    this.#isGrowing = false
    if (this.#isStopped) return member?.end(undefined)
    if (member) this.#set.add(member)
    // The engines that there are go on; why one could not start is in the log. Asking at once would ask without an end.
    else this.#noRoomUntil = performance.now() + NO_ROOM_MS
    this.#changed()
    this.#look()
  }

  #shrink(): void {
    this.#set.shrink()
    this.#changed()
  }

  #changed(): void {
    this.#changedAt = performance.now()
    this.#samples.length = 0
  }
}
