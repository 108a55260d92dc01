import { errorToData, type Answer, type AfieldError, type ErrorData } from '@afield/protocol'
import type { EngineModel } from '../keeper/ports.js'
import { heapBytes } from './compile.js'
import type { Asked, EngineReport } from './messages.js'
import { Tally } from './tally.js'

/** News wait for others this long. */
const EVERY_MS = 1000

/** Tells the page what an engine has counted and how much memory it takes: rarely, and after the answers. */
export class Reporter {
  readonly #tell: (report: EngineReport) => void
  #tally: Tally | undefined
  #unreadable: ErrorData | undefined
  #heapBytes = 0
  #isDue = false

  constructor(tell: (report: EngineReport) => void) {
    this.#tell = tell
  }

  /** From now on this model's answers are counted, if it came with a profile to count by. */
  follow({ model, version, reference }: Pick<EngineModel, 'model' | 'version' | 'reference'>): void {
    if (reference === undefined) return
    try {
      this.#tally = new Tally(model, version, reference)
    } catch (cause) {
      this.#unreadable = errorToData(cause)
    }
  }

  answered(asked: readonly Asked[], answers: readonly (Answer | AfieldError)[]): void {
    this.#tally?.count(asked, answers)
    if (this.#isDue) return
    this.#isDue = true
    setTimeout(() => {
      this.#isDue = false
      this.#news()
    }, EVERY_MS)
  }

  /** Now, whether there is news or not. */
  report(): void {
    const tallied = this.#tally?.take()
    const unreadable = this.#unreadable
    this.#unreadable = undefined
    this.#heapBytes = heapBytes()
    this.#tell({
      heapBytes: this.#heapBytes,
      ...(tallied ? { tallied } : {}),
      ...(unreadable ? { unreadable } : {}),
    })
  }

  #news(): void {
    if (this.#tally || this.#unreadable || heapBytes() !== this.#heapBytes) this.report()
  }
}
