import { AudioInputSchema, type AudioInput } from '../contract/audio.js'
import type { AfieldError } from '../errors.js'
import type { InputEncoder, InputKindCode } from './encoder.js'
import { polyphase, resample, type Polyphase } from './polyphase.js'
import { invalidInput, type InputProblem } from './refuse.js'

const LOWEST_RATE = 1000
/** The highest that browsers record and play at. */
const HIGHEST_RATE = 768_000
const MAX_CHANNELS = 32

/** A recording: samples from −1 to 1, one array a channel, or one alone. */
export interface PlainAudio {
  readonly sampleRate: number
  readonly samples: Float32Array | readonly Float32Array[]
}

export interface AudioEncoder extends InputEncoder<Float32Array> {
  /** @returns one channel at the model's rate. */
  prepare(recording: unknown): Float32Array
  /** Recordings of one length may share a run. */
  batchKey(prepared: Float32Array): string
}

/** Inputs of kind `audio`. */
export const audioKind = {
  schema: AudioInputSchema,
  createEncoder: createAudioEncoder,
} satisfies InputKindCode<AudioInput>

/**
 * Takes a {@link PlainAudio}, or bare samples at the model's own rate. The steps are librosa's: `to_mono`, `resample` of
 * type `polyphase`, `fix_length`, `normalize`.
 *
 * @example
 * const encoder = createAudioEncoder(contract.input)
 * const { x } = encoder.encode([encoder.prepare({ sampleRate: 16_000, samples })]) // [1, samples]
 */
export function createAudioEncoder(input: AudioInput): AudioEncoder {
  // Recordings mostly come at one rate, and a filter takes longer to design than to run over a second.
  let filter: Polyphase | undefined
  let filterRate = 0
  const filterFrom = (rate: number): Polyphase => {
    if (filter && filterRate === rate) return filter
    filterRate = rate
    return (filter = polyphase(rate, input.sampleRate))
  }
  return {
    prepare(recording) {
      const { sampleRate, channels } = checkRecording(input, recording)
      let samples = toMono(channels)
      if (sampleRate !== input.sampleRate) samples = resample(samples, filterFrom(sampleRate))
      samples = fitLength(input, samples)
      return input.normalize === 'peak' ? byPeak(samples) : samples
    },
    rows: () => 1,
    size: ({ length }) => length,
    batchKey: ({ length }) => String(length),
    encode(recordings) {
      const length = recordings[0]?.length ?? 0
      const data = new Float32Array(recordings.length * length)
      for (const [n, samples] of recordings.entries()) {
        if (samples.length !== length) {
          throw invalid('shape', 'has another length than the recordings that are answered with it')
        }
        data.set(samples, n * length)
      }
      const dims = [recordings.length, ...(input.layout === 'nct' ? [1] : []), length]
      return { [input.tensor]: { dtype: 'float32', dims, data } }
    },
  }
}

interface Recording {
  readonly sampleRate: number
  readonly channels: readonly Float32Array[]
}

function checkRecording(input: AudioInput, value: unknown): Recording {
  const { sampleRate, samples } = plainAudio(input, value)
  const channels: readonly unknown[] = Array.isArray(samples) ? samples : [samples]
  if (!channels.every((channel) => channel instanceof Float32Array)) {
    throw invalid('dtype', 'takes samples as a Float32Array, or one a channel, from −1 to 1')
  }
  checkRate(input, sampleRate)
  const length = channels[0]?.length ?? 0
  if (length === 0) throw invalid('empty', 'has no samples')
  if (channels.length > MAX_CHANNELS) throw invalid('too-large', `has more than ${MAX_CHANNELS} channels`)
  if (channels.some((channel) => channel.length !== length)) {
    throw invalid('shape', 'has channels of different lengths')
  }
  if (length > input.maxSeconds * sampleRate) {
    throw invalid('too-large', `is longer than ${input.maxSeconds} seconds: cut it into parts`)
  }
  for (const channel of channels) {
    // Infinite and missing numbers alike are none of their own difference.
    if (channel.some((sample) => sample - sample !== 0)) {
      throw invalid('malformed', 'has samples that are not finite numbers')
    }
  }
  return { sampleRate, channels }
}

function plainAudio(
  input: AudioInput,
  value: unknown,
): { readonly sampleRate: unknown; readonly samples: unknown } {
  if (ArrayBuffer.isView(value)) return { sampleRate: input.sampleRate, samples: value }
  if (typeof value !== 'object' || value === null || !('samples' in value)) {
    throw invalid('mistyped', 'takes a recording: an AudioBuffer, { samples, sampleRate }, or samples alone')
  }
  return { samples: value.samples, sampleRate: 'sampleRate' in value ? value.sampleRate : undefined }
}

function checkRate(input: AudioInput, rate: unknown): asserts rate is number {
  if (rate === undefined) throw invalid('rate', 'does not say its sampleRate, in samples a second')
  if (!Number.isSafeInteger(rate) || (rate as number) < LOWEST_RATE || (rate as number) > HIGHEST_RATE) {
    throw invalid('rate', `takes a whole sampleRate between ${LOWEST_RATE} and ${HIGHEST_RATE}`)
  }
  if (rate === input.sampleRate || input.resample === 'polyphase') return
  throw invalid(
    'rate',
    `has ${rate as number} samples a second and this model takes ${input.sampleRate}: record with ` +
      `new AudioContext({ sampleRate: ${input.sampleRate} }), or publish the model with resample: "polyphase"`,
  )
}

function toMono(channels: readonly Float32Array[]): Float32Array {
  const [first = new Float32Array()] = channels
  if (channels.length === 1) return first
  return first.map((_, i) => channels.reduce((sum, channel) => sum + (channel[i] ?? 0), 0) / channels.length)
}

function fitLength({ samples: wanted, fit }: AudioInput, samples: Float32Array): Float32Array {
  if (wanted === undefined || samples.length === wanted) return samples
  if (fit === 'reject') {
    throw invalid(
      'shape',
      `has ${samples.length} samples and this model takes ${wanted}: cut or pad it, or publish the model with ` +
        'fit: "pad-trim"',
    )
  }
  const fitted = new Float32Array(wanted)
  fitted.set(samples.subarray(0, wanted))
  return fitted
}

/** Silence stays as it is, and so does what is too quiet to divide by. */
function byPeak(samples: Float32Array): Float32Array {
  let peak = 0
  for (const sample of samples) peak = Math.max(peak, Math.abs(sample))
  return peak < SMALLEST_NORMAL ? samples : samples.map((sample) => sample / peak)
}

const SMALLEST_NORMAL = 2 ** -126

function invalid(problem: InputProblem, rule: string): AfieldError {
  return invalidInput('audio', problem, rule)
}
