import { AfieldError } from '../errors.js'

/** What is wrong with an input. */
export type InputProblem =
  | 'missing'
  | 'mistyped'
  | 'out-of-range'
  | 'unknown'
  | 'empty'
  | 'too-large'
  | 'shape'
  | 'dtype'
  | 'rate'
  | 'malformed'

/**
 * @param field of a record, the tensor, or `image`, `audio`, `text`, `state`.
 * @param rule goes on from the field's name, and never holds what came: `takes a finite number`.
 * @param cause what the platform said; never where it may quote what came.
 */
export function invalidInput(
  field: string,
  problem: InputProblem,
  rule: string,
  cause?: unknown,
): AfieldError {
  return new AfieldError('input/invalid', `"${field}" ${rule}.`, { details: { field, problem }, cause })
}

/** A name that the caller made up is its own text, so it is quoted only where it is a plausible identifier. */
export function unknownName(name: string, what: string, known: readonly string[]): AfieldError {
  const shown = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(name) ? `"${name}"` : `A ${what}`
  return new AfieldError(
    'input/invalid',
    `${shown} is not a ${what} of this model. Its ${what}s are: ${known.join(', ')}.`,
    { details: { problem: 'unknown' } },
  )
}
