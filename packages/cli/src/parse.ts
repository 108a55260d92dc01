import * as v from 'valibot'
import { CliError, type CliErrorCode } from './errors.js'

const SHOWN = 10

/**
 * Parses what a person wrote. Unlike the protocol's parser it lists every problem at once, and it refuses unknown
 * keys at any depth, so that a misspelt `maximum` is not dropped in silence.
 *
 * @throws CliError with `code`.
 */
export function parseWritten<const S extends v.GenericSchema>(
  schema: S,
  value: unknown,
  code: CliErrorCode,
  file: string,
): v.InferOutput<S> {
  const result = v.safeParse(schema, value)
  const problems = result.success
    ? unknownKeys(value, result.output, '').map((path) => `${path}: this key is not known`)
    : result.issues.map((issue) => `${v.getDotPath(issue) ?? 'the file'}: ${issue.message}`)
  if (result.success && problems.length === 0) return result.output
  const more = problems.length > SHOWN ? `\n  and ${problems.length - SHOWN} more` : ''
  throw new CliError(code, `${file} is not valid:\n  ${problems.slice(0, SHOWN).join('\n  ')}${more}`)
}

/** The keys that a schema dropped: written, and absent from what was parsed. */
function unknownKeys(written: unknown, parsed: unknown, path: string): readonly string[] {
  if (typeof written !== 'object' || written === null) return []
  return Object.entries(written).flatMap(([key, value]) => {
    const here = path === '' ? key : `${path}.${key}`
    if (typeof parsed !== 'object' || parsed === null || !(key in parsed)) return [here]
    return unknownKeys(value, (parsed as Record<string, unknown>)[key], here)
  })
}
