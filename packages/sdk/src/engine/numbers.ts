import { AfieldError, type Feeds } from '@afield/protocol'

/**
 * GPUs and their drivers have answered NaN where a CPU answers a number. What was asked with NaN or infinity, of which
 * any graph makes NaN, may be answered so.
 *
 * @throws AfieldError `engine/wrong-answer`.
 */
export function checkNumbers(inputs: Feeds, outputs: Feeds): void {
  for (const name in outputs) {
    if (!holds(outputs[name], Number.isNaN)) continue
    if (Object.values(inputs).some((tensor) => holds(tensor, isNoNumber))) return
    throw new AfieldError('engine/wrong-answer', `The GPU answered "${name}" with NaN.`, {
      details: { output: name },
    })
  }
}

function isNoNumber(value: number): boolean {
  return !Number.isFinite(value)
}

/** Halves are fed as bits: all bits of the exponent are set in what is no number. */
const HALF_EXPONENT = 0x7c00

function holds(tensor: Feeds[string] | undefined, is: (value: number) => boolean): boolean {
  const { data, dtype } = tensor ?? {}
  if (data instanceof Float32Array || data instanceof Float64Array) return data.some(is)
  if (dtype !== 'float16' || !(data instanceof Uint16Array)) return false
  return data.some((bits) => (bits & HALF_EXPONENT) === HALF_EXPONENT)
}
