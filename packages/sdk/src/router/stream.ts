import { asAfieldError, type AfieldError } from '@afield/protocol'
import type { Again } from './call.js'
import type { EngineSet } from './engine-set.js'

/** What was asked, and what became of it. */
export interface Failed {
  readonly set: EngineSet
  readonly error: AfieldError
}

/** Who asks engines that it holds on to. */
export interface Stream {
  readonly set: EngineSet
  /**
   * What to ask after these were lost, or were wrong.
   *
   * @throws AfieldError why nothing else may answer.
   */
  readonly next: (failed: Failed) => Promise<EngineSet>
}

/** Has a call of a stream asked again where that goes on. */
export function followOn({ set: first, next }: Stream): Again {
  let set = first
  return (call, error) =>
    void next({ set, error }).then(
      (following) => {
        set = following
        set.ask(call, false)
      },
      (cause: unknown) => call.settle(asAfieldError(cause, 'internal/unexpected', 'The stream was cut')),
    )
}
