import type { AfieldError } from '@afield/protocol'
import type { EngineSet } from './engine-set.js'
import type { Pack } from './pack.js'

/** One engine, as the set it belongs to sees it: a worker, or a session in this process. */
export interface Member {
  readonly id: number
  /** Whoever asks it; it is not ended before everything is answered. */
  owner: EngineSet | undefined
  /** Whether questions that travel together share a run, as far as it has said. */
  readonly sharesRuns: boolean
  /** False where something in the pack cannot be sent; it is then not asked. */
  send(pack: Pack): boolean
  /** How many answers to keep. */
  keepAnswers(count: number): void
  /** Ends at once. */
  end(error: AfieldError | undefined): void
  /** Resolves when the engine is gone: with the error that ended it, or with nothing when it was closed. */
  readonly gone: Promise<AfieldError | undefined>
}
