import type { PackedTensor } from '@afield/protocol'

/**
 * A short way between a page and an engine, where the page is cross-origin isolated: one question at a time in shared
 * memory. It saves both messages, which take longer than the run of a small model.
 */
export interface Lane {
  /** See {@link WORD}. */
  readonly words: Int32Array<SharedArrayBuffer>
  readonly times: Float64Array
  readonly input: Float32Array
  readonly output: Float32Array
}

/** What stands where in `words`. */
export const WORD = {
  /** Counts whatever the page sends, by lane or by message, so that an engine that lingers hears of it. */
  bell: 0,
  /** One more than the question's id while it waits; else 0. */
  asked: 1,
  /** Elements of the input. */
  length: 2,
  /** Counts the questions that were answered, by lane or by message. */
  answered: 3,
  /** 1 where the answer came by lane. */
  byLane: 4,
} as const

/** Elements of a question, and of its answer, at most. */
export const LANE_ELEMENTS = 4096
const HEADER_BYTES = 64

export function laneBytes(): number {
  return HEADER_BYTES + 2 * 4 * LANE_ELEMENTS
}

export function openLane(memory: SharedArrayBuffer): Lane {
  return {
    words: new Int32Array(memory, 0, 8),
    times: new Float64Array(memory, 32, 1),
    input: new Float32Array(memory, HEADER_BYTES, LANE_ELEMENTS),
    output: new Float32Array(memory, HEADER_BYTES + 4 * LANE_ELEMENTS, LANE_ELEMENTS),
  }
}

/** How long an engine that just answered stays where a question wakes it at once, in ms: it sleeps, and costs nothing. */
const LINGER_MS = 2
/** Answers after which whatever else was sent to the engine gets its turn. */
const TURNS = 64

/** Waits without holding up the thread; not in TypeScript's library of this target yet. */
export const waitAsync = (Atomics as unknown as { readonly waitAsync?: WaitAsync }).waitAsync
type WaitAsync = (
  words: Int32Array<SharedArrayBuffer>,
  at: number,
  value: number,
) => { readonly async: boolean; readonly value: Promise<unknown> | string }

/** What answers by lane. */
export interface LaneAnswers {
  /** `undefined` where the question has to be asked by message. */
  run(data: Float32Array): Promise<readonly PackedTensor[] | undefined>
  /** Answers by message: the page does not know the shape of such an answer yet. */
  tell(
    id: number,
    data: Float32Array,
    tensors: readonly PackedTensor[] | undefined,
    began: number,
  ): Promise<void>
}

/** Answers what comes by lane, for as long as the engine lives. */
export async function serveLane(lane: Lane, wait: WaitAsync, answers: LaneAnswers): Promise<void> {
  const { words, times, input, output } = lane
  let known: string | undefined
  let heard = 0
  let turns = 0
  for (;;) {
    if (turns === 0 || Atomics.wait(words, WORD.bell, heard, LINGER_MS) === 'timed-out') {
      turns = 0
      await wait(words, WORD.bell, heard).value
    }
    heard = Atomics.load(words, WORD.bell)
    const asked = Atomics.exchange(words, WORD.asked, 0)
    if (asked === 0) {
      turns = 0
      continue
    }
    const began = performance.now()
    const data = input.slice(0, words[WORD.length])
    const tensors = await answers.run(data)
    const shape = tensors && shapeOf(tensors)
    const isKnown = shape !== undefined && shape === known
    known = shape
    if (isKnown) {
      let at = 0
      for (const { data: elements } of tensors ?? []) {
        if (elements instanceof Float32Array) output.set(elements, at)
        at += elements.length
      }
      times[0] = performance.now() - began
    } else await answers.tell(asked - 1, data, tensors, began)
    words[WORD.byLane] = isKnown ? 1 : 0
    Atomics.add(words, WORD.answered, 1)
    Atomics.notify(words, WORD.answered)
    turns = (turns + 1) % TURNS
  }
}

/** `undefined` where the answer does not fit. */
function shapeOf(tensors: readonly PackedTensor[]): string | undefined {
  let length = 0
  let shape = ''
  for (const { data, dims } of tensors) {
    if (!(data instanceof Float32Array)) return undefined
    length += data.length
    shape += `${dims.join()};`
  }
  return length <= LANE_ELEMENTS ? shape : undefined
}
