import type { Marks } from '../keeper/keeper.js'
import type { Observation } from '../keeper/telemetry/port.js'

/**
 * The one thing that is written on the page itself: `localStorage` is synchronous, and measured to survive every
 * navigation where IndexedDB writes started at page hide do not. A mark says that a page was hidden or closed rather
 * than killed, and carries the counts that were not durable yet.
 */
export class PageMarks {
  readonly #prefix: string
  readonly #life: string

  constructor(namespace: string, life: string) {
    this.#prefix = `afield-1-${namespace}-mark-`
    this.#life = life
  }

  /** What pages before this one left. Their marks stay until {@link forget} confirms that they were adopted. */
  read(): Marks {
    const closedLives: string[] = []
    const observations: unknown[] = []
    for (const key of this.#keys()) {
      closedLives.push(key.slice(this.#prefix.length))
      observations.push(...parseMark(localStorage.getItem(key)))
    }
    return { closedLives, observations }
  }

  /** @param lives by default this page's own. */
  forget(lives: readonly string[] = [this.#life]): void {
    if (!available()) return
    for (const life of lives) localStorage.removeItem(this.#prefix + life)
  }

  leave(observations: readonly Observation[]): void {
    try {
      localStorage.setItem(this.#prefix + this.#life, JSON.stringify({ observations }))
    } catch (error) {
      // A full or forbidden localStorage costs at most the counts of the last half minute, and nobody is in view.
      console.warn('afield: this page could not leave its mark', error)
    }
  }

  #keys(): readonly string[] {
    if (!available()) return []
    return Object.keys(localStorage).filter((key) => key.startsWith(this.#prefix))
  }
}

/** Only unpacked here: the keeper judges what it holds. */
function parseMark(text: string | null): readonly unknown[] {
  try {
    const mark = JSON.parse(text ?? '') as { readonly observations: readonly unknown[] }
    return [...mark.observations]
  } catch (error) {
    console.warn('afield: a mark of an earlier page is unreadable and is dropped', error)
    return []
  }
}

function available(): boolean {
  try {
    return typeof localStorage === 'object'
  } catch (error) {
    // Reading the property itself throws where storage is blocked.
    if (error instanceof DOMException) return false
    throw error
  }
}
