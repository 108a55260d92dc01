import { AfieldError } from '@afield/protocol'
import type { Call } from './call.js'

export function overloaded(model: string, waiting: number): AfieldError {
  return new AfieldError(
    'engine/overloaded',
    `${waiting} predictions wait for "${model}", as many as maxQueue allows. Ask less at once, or raise maxQueue or workers.`,
  )
}

/** What waits for an engine, in the order that it was asked. */
export class Queue {
  #calls: Call[] = []
  /** Of the calls, those that nobody withdrew. */
  #length = 0
  readonly #onWithdrawn: () => void

  constructor(onWithdrawn: () => void) {
    this.#onWithdrawn = onWithdrawn
  }

  get length(): number {
    return this.#length
  }

  get calls(): readonly Call[] {
    return this.#calls
  }

  add(call: Call): void {
    call.waitsIn = this
    this.#calls.push(call)
    this.#length += 1
  }

  /** At most so many, to travel together. One that was lost with an engine is taken alone: that may be why it was lost. */
  take(count: number): readonly Call[] {
    const taken: Call[] = []
    let most = count
    let at = 0
    for (; at < this.#calls.length && taken.length < most; at++) {
      const call = this.#calls[at]
      if (!call || call.isSettled) continue
      const isAlone = call.losses > 0
      if (isAlone && taken.length > 0) break
      if (isAlone) most = 1
      call.waitsIn = undefined
      taken.push(call)
    }
    this.#calls.splice(0, at)
    this.#length -= taken.length
    // What was withdrawn is not kept.
    if (this.#length === 0) this.#calls.length = 0
    return taken
  }

  takeAll(): readonly Call[] {
    const taken = this.#calls.splice(0)
    for (const call of taken) call.waitsIn = undefined
    this.#length = 0
    return taken
  }

  /** What was aborted while it waited here. */
  withdraw(): void {
    this.#length -= 1
    this.#onWithdrawn()
  }
}
