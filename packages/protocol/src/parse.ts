import * as v from 'valibot'
import { parseJson } from './bytes.js'
import { AfieldError, type ErrorCode } from './errors.js'

/**
 * Parses a value from outside against a schema.
 *
 * @throws AfieldError with `code`, naming the first offending path, never its value.
 */
export function parseWith<const S extends v.GenericSchema>(
  schema: S,
  value: unknown,
  code: ErrorCode,
  what: string,
): v.InferOutput<S> {
  const result = v.safeParse(schema, value, { abortEarly: true, abortPipeEarly: true })
  if (result.success) return result.output
  const issue = result.issues[0]
  const path = issue ? (v.getDotPath(issue) ?? '') : ''
  const advice = code === 'manifest/invalid' ? ' It was cut or changed on the way, or is no manifest.' : ''
  throw new AfieldError(
    code,
    `${what} is not valid${path ? ` at "${path}"` : ''}: ${issue ? withoutValue(issue) : 'unknown'}.${advice}`,
    {
      details: { what, path },
    },
  )
}

/**
 * Parses a JSON file from outside against a schema.
 *
 * @throws AfieldError with `code`, as {@link parseJson} and {@link parseWith} do.
 */
export function parseJsonWith<const S extends v.GenericSchema>(
  schema: S,
  bytes: Uint8Array,
  code: ErrorCode,
  file: string,
): v.InferOutput<S> {
  return parseWith(schema, parseJson(bytes, code, file), code, file)
}

/** The schema library ends its own messages with what came, which may be anything. */
function withoutValue({ message, received }: v.BaseIssue<unknown>): string {
  const tail = [` but received ${received}`, `: Received ${received}`].find((end) => message.endsWith(end))
  return tail === undefined ? message : message.slice(0, -tail.length)
}
