import type { AfieldError } from '@afield/protocol'

/** Something that calls depend on and that may end, such as a worker: what waits for it then rejects. */
export class Lifeline {
  readonly #waiting = new Set<(error: AfieldError) => void>()
  #end: AfieldError | undefined

  /** Why it ended; `undefined` while it lives. */
  get end(): AfieldError | undefined {
    return this.#end
  }

  /** Makes the call unless it is too late, and waits for its outcome no longer than the line holds. */
  async hold<T>(call: () => Promise<T>): Promise<T> {
    this.throwIfCut()
    const work = call()
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject)
      const done = (): void => void this.#waiting.delete(reject)
      work.then(resolve, reject).then(done, done)
    })
  }

  throwIfCut(): void {
    if (this.#end) throw this.#end
  }

  /** Ends it; what is asked for from now on hears the latest reason. */
  cut(error: AfieldError): void {
    this.#end = error
    for (const reject of this.#waiting) reject(error)
    this.#waiting.clear()
  }
}
