import { invalidInput } from '@afield/protocol'
import type { ServingOptions } from '../api.js'
import { MAX_TIMER_MS } from '../timers.js'

const BACKENDS: ReadonlySet<unknown> = new Set(['auto', 'wasm', 'webgpu', 'webnn'])

/** @throws AfieldError `input/invalid`, with the option as `details.field`. */
export function checkServing({ workers, maxQueue, cache, hungAfterMs, backend }: ServingOptions): void {
  if (workers !== 'auto') checkWhole('workers', workers, 1)
  checkWhole('maxQueue', maxQueue, 0)
  checkWhole('cache', cache, 0)
  const isTime = typeof hungAfterMs === 'number' && hungAfterMs > 0 && hungAfterMs <= MAX_TIMER_MS
  if (hungAfterMs !== undefined && !isTime) {
    throw invalidInput('hungAfterMs', 'out-of-range', `is a number of ms from above 0 to ${MAX_TIMER_MS}`)
  }
  if (backend !== undefined && !BACKENDS.has(backend)) {
    throw invalidInput('backend', 'unknown', 'is "auto", "wasm", "webgpu" or "webnn"')
  }
}

function checkWhole(option: string, value: number | undefined, from: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= from)) return
  throw invalidInput(option, 'out-of-range', `is a whole number from ${from}`)
}
