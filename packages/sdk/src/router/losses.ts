import type { AfieldError } from '@afield/protocol'
import type { Call } from './call.js'

/** A call is given up when so much speaks against it. */
const MAX_LOSSES = 3
/** That an engine was lost while it worked on nothing else: once may be an accident. */
const ALONE = 2

/**
 * Counts what speaks for calls having been what an engine was lost by. One that it worked on alone was. Of several nobody
 * knows which: each is asked again alone, so that one costs no other its answer. Where an engine is lost before it
 * answers anything, it may be all of them, or none: what waits is not asked again for ever either.
 *
 * @param first what it worked on.
 * @param waiting what waited for it: behind those, or for any engine where it was the last.
 * @param hasAnswered whether it had answered anything.
 */
export function blame(
  first: readonly Call[],
  waiting: readonly Call[],
  reason: AfieldError,
  hasAnswered: boolean,
): void {
  const [only, ...others] = first
  if (only && others.length === 0) only.losses += reason.code === 'engine/hung' ? MAX_LOSSES : ALONE
  else for (const call of first) call.losses += 1
  if (!hasAnswered) for (const call of waiting) call.losses += 1
  for (const call of [...first, ...waiting]) if (call.losses >= MAX_LOSSES) call.settle(reason)
}
