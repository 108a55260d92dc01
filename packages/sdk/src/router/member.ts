import type { AfieldError } from '@afield/protocol'
import type { Call } from './call.js'
import type { EngineSet } from './engine-set.js'

/** Questions that an engine has, sent together. */
export interface Pack {
  readonly calls: readonly Call[]
  /** Called before some of the calls are settled, while others are still worked on; of none: they are worked on. */
  readonly goesOn: (answered: readonly Call[]) => void
  /** Called once, before the last of the calls are settled: what waits is sent first. */
  readonly done: (ms: number) => void
}

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
