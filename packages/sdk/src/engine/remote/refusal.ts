import { AfieldError } from '@afield/protocol'

/** Where something else than a model's server answers. */
export const OTHER_URL = 'Check fallback.remote.url: it must be the address of the server itself.'
/** Where a model's server answers, and not as the model here would. */
const OTHER_MODEL =
  "The server must serve the model that the contract is of, with the same outputs; fallback.remote.model says which of the server's that is."

/**
 * @param what is wrong with a server's answer.
 * @param advice what to do about it.
 */
export function invalid(
  what: string,
  advice = OTHER_MODEL,
  details: Readonly<Record<string, string | number>> = {},
): AfieldError {
  return new AfieldError('remote/invalid', `What the remote fallback answered ${what}. ${advice}`, {
    details,
  })
}
