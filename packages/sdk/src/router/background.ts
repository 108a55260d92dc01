import { asAfieldError } from '@afield/protocol'
import type { Logger } from '../keeper/ports.js'
import type { Lifeline } from './lifeline.js'

/** Work that no call of the app waits for: its failure is logged. */
export class Background {
  readonly #calls: Lifeline
  readonly #log: Logger

  constructor(calls: Lifeline, log: Logger) {
    this.#calls = calls
    this.#log = log
  }

  run(work: () => Promise<unknown>): void {
    this.#calls.hold(work).catch((cause: unknown) => {
      // Whoever ended Afield knows why already.
      if (cause !== this.#calls.end) this.complain(cause)
    })
  }

  complain(cause: unknown): void {
    const error = asAfieldError(cause, 'internal/unexpected', 'Background work failed')
    // The keeper says that once.
    if (error.code === 'telemetry/unavailable') return
    this.#log('warn', error.message, error)
  }
}
