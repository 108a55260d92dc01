import type { Answer, Feeds } from '@afield/protocol'

/** Answers to the latest inputs, by what the graph would have been given: the least recently used goes first. */
export class AnswerCache {
  readonly #answers = new Map<string, Answer>()
  #size = 0

  /** From now on so many are kept. */
  keep(size: number): void {
    this.#size = size
    this.#drop()
  }

  /** A copy of its own, or `undefined`. */
  get(key: string): Answer | undefined {
    const answer = this.#answers.get(key)
    if (!answer) return undefined
    this.#answers.delete(key)
    this.#answers.set(key, answer)
    return structuredClone(answer)
  }

  set(key: string, answer: Answer): void {
    this.#answers.delete(key)
    this.#answers.set(key, structuredClone(answer))
    this.#drop()
  }

  #drop(): void {
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size <= this.#size) return
      this.#answers.delete(oldest)
    }
  }
}

/**
 * All that a run depends on, as one text: names, types, dims and the very bytes, a state that is carried on among them.
 * Two inputs that differ in anything have different keys.
 */
export function cacheKey(feeds: Feeds): string {
  return JSON.stringify(
    Object.entries(feeds).map(([name, { dtype, dims, data }]) => [
      name,
      dtype,
      dims,
      ArrayBuffer.isView(data) ? textOf(data) : Array.from(data, String),
    ]),
  )
}

/** A character for each byte; `JSON` and `Map` compare texts exactly. */
function textOf({ buffer, byteOffset, byteLength }: ArrayBufferView): string {
  const bytes = new Uint8Array(buffer, byteOffset, byteLength)
  let text = ''
  for (let at = 0; at < bytes.length; at += CHUNK) {
    text += String.fromCharCode(...bytes.subarray(at, at + CHUNK))
  }
  return text
}

/** Arguments that a call surely takes. */
const CHUNK = 4096
