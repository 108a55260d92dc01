import * as v from 'valibot'
import { finite } from './primitives.js'

/** What a version is held to. */
export const SloSchema = v.object({
  class: v.picklist(['realtime', 'interactive', 'near-realtime', 'batch']),
  maxFailureRate: v.pipe(finite, v.minValue(0), v.maxValue(1)),
  /** Share of predictions answered by a model rather than by a constant fallback. */
  availability: v.pipe(finite, v.minValue(0), v.maxValue(1)),
})
export type Slo = v.InferOutput<typeof SloSchema>
