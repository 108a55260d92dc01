import type { AfieldError, ErrorCode } from '@afield/protocol'
import type { Predictions } from '../../api.js'

const OF_CALL: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['input/invalid', 'aborted', 'closed'])
const NOT_BROKEN: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'engine/overloaded',
  'engine/timeout',
  'model/killed',
  'model/revoked',
])

/** The call itself is at fault, or was given up: nobody else would answer it either. */
export function isOfCall({ code }: AfieldError): boolean {
  return OF_CALL.has(code)
}

/**
 * Whether a failure says that what serves is broken, so that others would fail likewise. It does not where the call is
 * at fault; where the app asked for more (`engine/overloaded`) or for sooner (`engine/timeout`) than the device can do,
 * since leaving those out that would be answered helps nobody, and a run that hangs is found by the watchdog
 * (`engine/hung`); nor where the team switched the model off, which is known without asking and is over the moment that
 * they switch it on again.
 */
export function isOfModel(error: AfieldError): boolean {
  return !isOfCall(error) && !NOT_BROKEN.has(error.code)
}

/** Why the answer to many is none: it holds failures only, of which one at least is not the call's own. */
export function failureOf({
  results,
  failures,
}: Pick<Predictions, 'results' | 'failures'>): AfieldError | undefined {
  return results.length === 0 ? failures.find(({ error }) => !isOfCall(error))?.error : undefined
}
