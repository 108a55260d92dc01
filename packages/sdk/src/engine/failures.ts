import { AfieldError } from '@afield/protocol'

/**
 * Why an input could not be read, where it is not the input that was refused. What a library says is left out: it may
 * quote the input.
 */
export function readFailure(cause: unknown): AfieldError {
  if (cause instanceof AfieldError) return cause
  return new AfieldError(
    'internal/unexpected',
    `The input could not be read (${cause instanceof Error ? cause.name : typeof cause}). It may be too large for the ` +
      'memory that is left.',
  )
}

/**
 * Why a run failed: the node of the graph that it failed in. The rest of what onnxruntime says is left out, such as the
 * index that was out of bounds: it may quote the input.
 */
export function runFailure(cause: unknown): AfieldError {
  if (cause instanceof AfieldError) return cause
  const [, operator, name] = /running (\w+) node\. Name:'([^']*)'/.exec(String(cause)) ?? []
  const where = operator === undefined ? '' : ` in its ${operator} node${name ? ` "${name}"` : ''}`
  return new AfieldError(
    'engine/run-failed',
    `The model failed to run${where}: the graph does not take this input, or there is too little memory.`,
    operator === undefined ? {} : { details: { operator } },
  )
}
