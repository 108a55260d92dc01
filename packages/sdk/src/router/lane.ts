import type { PackedTensor } from '@afield/protocol'
import { LANE_ELEMENTS, WORD, laneBytes, openLane, waitAsync, type Lane } from '../engine/lane.js'

export interface LaneAnswer {
  readonly tensors: readonly PackedTensor[]
  readonly ms: number
}

/** The page's end of a {@link Lane}. */
export class PageLane {
  readonly memory = new SharedArrayBuffer(laneBytes())
  readonly #lane: Lane = openLane(this.memory)
  /** Of the last answer by message. */
  #shape: readonly PackedTensor[] | undefined

  /** Whether a question fits. */
  takes({ length }: Float32Array): boolean {
    return length <= LANE_ELEMENTS
  }

  /** @param hear is called with the answer, unless that comes by message. */
  ask(id: number, data: Float32Array, hear: (answer: LaneAnswer) => void): void {
    const { words, input } = this.#lane
    const answered = Atomics.load(words, WORD.answered)
    input.set(data)
    words[WORD.length] = data.length
    Atomics.store(words, WORD.asked, id + 1)
    this.ring()
    const wait = waitAsync?.(words, WORD.answered, answered)
    const take = (): void => {
      if (Atomics.load(words, WORD.answered) !== answered && words[WORD.byLane] === 1) hear(this.#read())
    }
    // Also where it was answered already: whoever asked is not called back before it has its promise.
    void Promise.resolve(wait?.value).then(take)
  }

  /** Something else was sent: an engine that waits here for a question gets to it. */
  ring(): void {
    Atomics.add(this.#lane.words, WORD.bell, 1)
    Atomics.notify(this.#lane.words, WORD.bell)
  }

  /** What the next answers by lane look like. */
  remember(tensors: readonly PackedTensor[]): void {
    this.#shape = tensors
  }

  #read(): LaneAnswer {
    const { output, times } = this.#lane
    let at = 0
    const tensors = (this.#shape ?? []).map(({ name, dtype, dims, data: { length } }) => {
      at += length
      return { name, dtype, dims, data: output.slice(at - length, at) }
    })
    return { tensors, ms: times[0] ?? 0 }
  }
}

/** `undefined` where the page is not isolated, or the browser lacks what it takes. */
export function laneOf(): PageLane | undefined {
  return globalThis.crossOriginIsolated && waitAsync ? new PageLane() : undefined
}
