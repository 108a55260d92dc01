import { AfieldError } from '@afield/protocol'

/** A change of a rollout that makes no sense now. `why` says what is so and, after a full stop, what to do. */
export function refuse(why: string): AfieldError {
  return new AfieldError('rollout/invalid', `Nothing was changed: ${why}.`)
}
