import * as v from 'valibot'
import { finite, wholeFrom } from '../primitives.js'
import { DescriptionSchema, TensorNameSchema } from './names.js'

/** A recording as samples from −1 to 1; several channels are averaged, as librosa's `to_mono` does. */
export const AudioInputSchema = v.object({
  kind: v.literal('audio'),
  tensor: TensorNameSchema,
  /** [N, samples], or [N, 1, samples]. */
  layout: v.optional(v.picklist(['nt', 'nct']), 'nt'),
  /** Samples a second that the model was trained on. */
  sampleRate: wholeFrom(1000, 384_000),
  /** Of a recording at another rate: refuse it, or bring it to this one (SciPy's `resample_poly`). */
  resample: v.optional(v.picklist(['reject', 'polyphase']), 'reject'),
  /** How many samples the graph takes; left out where any number will do. */
  samples: v.optional(wholeFrom(1, 50_000_000)),
  /** Of a recording of another length: refuse it, or cut and pad it with zeros at its end (librosa's `fix_length`). */
  fit: v.optional(v.picklist(['reject', 'pad-trim']), 'reject'),
  /** `peak` divides by the largest magnitude, as librosa's `normalize` does. */
  normalize: v.optional(v.picklist(['none', 'peak']), 'none'),
  /** A longer recording is refused. */
  maxSeconds: v.optional(v.pipe(finite, v.minValue(0.001), v.maxValue(3600)), 60),
  description: DescriptionSchema,
})
export type AudioInput = v.InferOutput<typeof AudioInputSchema>
