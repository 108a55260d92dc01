import { AfieldError, asAfieldError } from '@afield/protocol'
import type { Call } from './call.js'
import type { EngineSet } from './engine-set.js'
import { overloaded } from './queue.js'

/** What a revival needs of the route that it belongs to. */
export interface Revived {
  readonly name: string
  /** What serves; `undefined` while nothing does. */
  readonly set: EngineSet | undefined
  /** What served last, dead or alive. */
  readonly lastSet: EngineSet | undefined
  /** Why nothing may serve. */
  readonly refusal: AfieldError | undefined
  readonly maxQueue: number
  /** See `RouteCalls`. */
  readonly calls: { recover(): Promise<void>; demote(error: AfieldError): Promise<void> }
}

/** How a route comes to serve again after its engines were lost or were wrong, and what waits for that. */
export class Revival {
  readonly #route: Revived
  readonly #parked = new Set<Call>()
  #reviving: Promise<void> | undefined

  constructor(route: Revived) {
    this.#route = route
  }

  /** Waits for a set: as many as may wait, and the one that an idle engine takes at once. */
  ask(call: Call): void {
    const { maxQueue, name } = this.#route
    if (this.#parked.size > maxQueue) call.settle(overloaded(name, maxQueue))
    else this.#park(call, undefined)
  }

  /** What was aborted while it waited here. */
  withdraw(call: Call): void {
    this.#parked.delete(call)
  }

  /** Asks what serves by now, or what serves once the keeper is done. */
  askAgain(call: Call, error: AfieldError): void {
    const { refusal, set } = this.#route
    if (refusal) return call.settle(error)
    const isWrong = error.code === 'engine/wrong-answer'
    if (!set || (isWrong && call.by?.backend === set.served.backend)) this.#park(call, error)
    else set.ask(call, false)
  }

  /** What waits is asked of what serves now, or else hears why nothing does. */
  settle(error: AfieldError): void {
    // What is lost after this is another loss, though the keeper may not have said yet that it is done with this one.
    this.#reviving = undefined
    const { set } = this.#route
    const calls = [...this.#parked]
    this.#parked.clear()
    for (const call of calls) {
      if (set) set.ask(call, false)
      else call.settle(error)
    }
  }

  /** Has the keeper bring another engine, on WASM where it is another backend that failed. */
  revive(error: AfieldError | undefined): Promise<void> {
    if (this.#reviving) return this.#reviving
    const { calls, lastSet } = this.#route
    const isWasm = (lastSet?.served.backend ?? 'wasm') === 'wasm'
    const reviving = isWasm ? calls.recover() : calls.demote(error ?? noEngine())
    const done = (): void => {
      if (this.#reviving === reviving) this.#reviving = undefined
    }
    reviving.then(done, done)
    return (this.#reviving = reviving)
  }

  #park(call: Call, error: AfieldError | undefined): void {
    // Nobody waits for it: whoever asks next has an engine brought back.
    if (call.isSettled) return
    call.waitsIn = this
    this.#parked.add(call)
    const revived = (why: AfieldError): void => {
      // By now they may wait for another revival.
      if (!this.#reviving) this.settle(why)
    }
    this.revive(error).then(
      () => revived(this.#route.refusal ?? error ?? noEngine()),
      (cause: unknown) =>
        revived(asAfieldError(cause, 'internal/unexpected', 'The engine could not be brought back')),
    )
  }
}

export function noEngine(): AfieldError {
  return new AfieldError('engine/crashed', 'No engine serves. Load the model again.')
}
