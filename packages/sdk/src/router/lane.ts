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
  #asked = 0
  /** Of the last answer by message. */
  #shape: readonly PackedTensor[] | undefined

  /** Whether a question fits. */
  takes({ length }: Float32Array): boolean {
    return length <= LANE_ELEMENTS
  }

  /** @param hear is called with the answer, unless that comes by message. */
  ask(id: number, data: Float32Array, hear: (answer: LaneAnswer) => void): void {
    const { words, input } = this.#lane
    input.set(data)
    words[WORD.length] = data.length
    Atomics.store(words, WORD.asked, id + 1)
    this.ring()
    void this.#hear(++this.#asked, hear)
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

  /** @param question how many were asked by then. An answer by message may be here before it is counted. */
  async #hear(question: number, hear: (answer: LaneAnswer) => void): Promise<void> {
    const { words } = this.#lane
    for (let known = -1; known < question;) {
      known = Atomics.load(words, WORD.answered)
      if (known < question) await waitAsync?.(words, WORD.answered, known).value
      // Whoever asked is not called back before it has its promise.
      else await Promise.resolve()
    }
    if (Atomics.load(words, WORD.answered) === question && words[WORD.byLane] === 1) hear(this.#read())
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
