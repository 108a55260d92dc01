import type { PackedTensor } from '@afield/protocol'
import { LANE_ELEMENTS, WORD, laneBytes, openLane, waitAsync, type Lane } from '../engine/lane.js'

/** About what it takes to wake a thread. */
const WATCH_MS = 0.1
/** A loop of predictions lets the page do what else it has to after so many ms. */
const TASK_MS = 5
/** Answers that are slept for after one that did not come in time: twice as many each time in a row, to a limit. */
const FIRST_SLEEPS = 8
const MAX_SLEEPS = 1024

export interface LaneAnswer {
  readonly tensors: readonly PackedTensor[]
  readonly ms: number
}

/** The page's end of a {@link Lane}. */
export class PageLane {
  readonly memory = new SharedArrayBuffer(laneBytes())
  readonly #lane: Lane = openLane(this.memory)
  #asked = 0
  #hasEnded = false
  /** Answers that are still slept for, and how many would be after the next mistake. */
  #sleeps = 0
  #nextSleeps = FIRST_SLEEPS
  /** When this thread last slept for an answer, and so did what else it had to do. */
  #since = -Infinity
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

  /** Nothing is waited for any more: a wait without an end would keep the memory. */
  end(): void {
    this.#hasEnded = true
    Atomics.notify(this.#lane.words, WORD.answered)
  }

  /** What the next answers by lane look like. */
  remember(tensors: readonly PackedTensor[]): void {
    this.#shape = tensors
  }

  /** @param question how many were asked by then. An answer by message may be here before it is counted. */
  async #hear(question: number, hear: (answer: LaneAnswer) => void): Promise<void> {
    const { words } = this.#lane
    // Whoever asked first does what else it has to do, such as asking more.
    await Promise.resolve()
    if (this.#hasEnded) return
    if (!this.#watch(question)) {
      for (let known = this.#answered; known < question; known = this.#answered) {
        await waitAsync?.(words, WORD.answered, known).value
        if (this.#hasEnded) return
      }
      this.#since = performance.now()
    }
    if (this.#answered === question && words[WORD.byLane] === 1) hear(this.#read())
  }

  /**
   * Stays for an answer that will be here sooner than this thread could be woken for it, as a mutex spins before it
   * sleeps. Where that was a mistake, the next answers are slept for.
   */
  #watch(question: number): boolean {
    const ms = this.#lane.times[0] ?? 0
    const now = performance.now()
    if (now - this.#since > TASK_MS || ms > WATCH_MS || navigator.hardwareConcurrency < 2) return false
    if (this.#sleeps > 0) {
      this.#sleeps -= 1
      return false
    }
    const until = now + WATCH_MS
    do {
      if (this.#answered >= question) {
        this.#nextSleeps = FIRST_SLEEPS
        return true
      }
    } while (performance.now() < until)
    this.#sleeps = this.#nextSleeps
    this.#nextSleeps = Math.min(2 * this.#nextSleeps, MAX_SLEEPS)
    return false
  }

  get #answered(): number {
    return Atomics.load(this.#lane.words, WORD.answered)
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
