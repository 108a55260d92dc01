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
  const memory = memoryFailure(cause)
  if (memory) return memory
  const [, operator, name] = /running (\w+) node\. Name:'([^']*)'/.exec(String(cause)) ?? []
  const where = operator === undefined ? '' : ` in its ${operator} node${name ? ` "${name}"` : ''}`
  return new AfieldError(
    'engine/run-failed',
    `The model failed to run${where}: the graph does not take this input, or there is too little memory.`,
    operator === undefined ? {} : { details: { operator } },
  )
}

/**
 * What onnxruntime, emscripten and the browser say when there is no memory left. An abort that names another reason, such
 * as that the .wasm could not be compiled, is none.
 */
const NO_MEMORY =
  /bad_alloc|out of memory|memory access out of bounds|Failed to allocate|Array buffer allocation failed|could not allocate|Aborted\((\)|OOM|native code called abort)/i

/** The failure as one of memory, where it is: the engine is of no use after it. */
export function memoryFailure(cause: unknown): AfieldError | undefined {
  const said = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)
  if (!NO_MEMORY.test(said)) return undefined
  return new AfieldError(
    'engine/out-of-memory',
    'The model needed more memory than there is here. Its engine is ended, which gives the memory back: ask for less at once, or publish a smaller variant.',
  )
}
