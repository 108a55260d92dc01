import { AfieldError, type Feeds } from '@afield/protocol'

/**
 * GPUs and their drivers have answered NaN where a CPU answers a number. What was asked with NaN may be answered so.
 *
 * @throws AfieldError `engine/wrong-answer`.
 */
export function checkNumbers(inputs: Feeds, outputs: Feeds): void {
  for (const name in outputs) {
    if (!holdsNaN(outputs[name])) continue
    if (Object.values(inputs).some(holdsNaN)) return
    throw new AfieldError('engine/wrong-answer', `The GPU answered "${name}" with NaN.`, {
      details: { output: name },
    })
  }
}

function holdsNaN(tensor: Feeds[string] | undefined): boolean {
  const data = tensor?.data
  return (data instanceof Float32Array || data instanceof Float64Array) && data.includes(NaN)
}
