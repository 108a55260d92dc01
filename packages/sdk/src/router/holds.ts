import type { AfieldError } from '@afield/protocol'

/** What keeps a set of engines from ending: inputs that are made ready, streams that are pinned to it. */
export class Holds {
  #count = 0
  readonly #pins = new Set<() => void>()
  #cut: AfieldError | undefined
  readonly #onRelease: () => void

  constructor(onRelease: () => void) {
    this.#onRelease = onRelease
  }

  get any(): boolean {
    return this.#count > 0
  }

  /** Why streams that were pinned ended. */
  get cut(): AfieldError | undefined {
    return this.#cut
  }

  /** Until what is returned is called. */
  hold(): () => void {
    this.#count += 1
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      this.#count -= 1
      this.#onRelease()
    }
  }

  /** Like {@link hold}, for a stream; {@link cutPins} lets go too. */
  pin(): () => void {
    const release = this.hold()
    this.#pins.add(release)
    return () => {
      this.#pins.delete(release)
      release()
    }
  }

  /** Ends what is pinned: nothing more is asked that way. */
  cutPins(error: AfieldError): void {
    this.#cut = error
    for (const release of this.#pins) release()
    this.#pins.clear()
  }
}
