import { asAfieldError } from '@afield/protocol'
import type { Ports } from './ports.js'

/** Work that nobody waits for: its failure is logged; that of a check also shows in `explain()`. */
export class Background {
  readonly #log: Ports['log']
  #closed = false

  constructor({ log }: Pick<Ports, 'log'>) {
    this.#log = log
  }

  run(what: string, work: () => Promise<unknown>): void {
    work().catch((cause: unknown) => {
      if (this.#closed) return
      const error = asAfieldError(cause, 'internal/unexpected', `Background work failed: ${what}`)
      this.#log('warn', error.message, error)
    })
  }

  /** What fails from now on is nobody's concern. */
  close(): void {
    this.#closed = true
  }
}
