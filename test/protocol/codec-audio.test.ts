import { createAudioEncoder, type AfieldError } from '@afield/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { inputError } from './support/contract.js'
import { audioCases, audioInput } from './support/vectors.js'

const RATE = 16_000

function encoderOf(input: Readonly<Record<string, unknown>> = {}) {
  return createAudioEncoder(audioInput({ kind: 'audio', tensor: 'x', sampleRate: RATE, ...input }))
}

describe('agrees with SciPy, called as librosa calls it', () => {
  test.each(audioCases())('$name', ({ recording, input, data }) => {
    const samples = createAudioEncoder(input).prepare(recording)
    expect(samples).toHaveLength(data.length)
    const differences = [...samples].map((sample, i) => Math.abs(sample - (data[i] ?? NaN)))
    expect(Math.max(...differences)).toBeLessThanOrEqual(1e-6)
  })
})

describe('layout', () => {
  const recordings = [Float32Array.of(0.25, -0.5), Float32Array.of(1, 0)]

  test.each([
    ['nt', [2, 2]],
    ['nct', [2, 1, 2]],
  ])('%s', (layout, dims) => {
    const encoder = encoderOf({ layout })
    expect(encoder.encode(recordings.map((samples) => encoder.prepare(samples)))).toEqual({
      x: { dtype: 'float32', dims, data: Float32Array.of(0.25, -0.5, 1, 0) },
    })
  })

  test('samples alone are at the rate of the model', () => {
    const encoder = encoderOf()
    const samples = Float32Array.of(0.1, 0.2)
    expect(encoder.prepare(samples)).toEqual(encoder.prepare({ samples: [samples], sampleRate: RATE }))
  })

  test('recordings of several lengths do not fit one tensor', () => {
    const encoder = encoderOf()
    expect(encoder.batchKey(new Float32Array(3))).not.toBe(encoder.batchKey(new Float32Array(4)))
    expect(() => encoder.encode([new Float32Array(3), new Float32Array(4)])).toThrow(
      inputError('audio', 'shape'),
    )
  })
})

describe('laws of resampling', () => {
  const rates = fc.constantFrom(8000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000)

  test('the length is that of the recording in the other rate, rounded up', () => {
    fc.assert(
      fc.property(rates, rates, fc.integer({ min: 1, max: 2000 }), (from, to, length) => {
        const encoder = encoderOf({ sampleRate: to, resample: 'polyphase' })
        const samples = encoder.prepare({ sampleRate: from, samples: new Float32Array(length) })
        expect(samples).toHaveLength(Math.ceil((length * to) / from))
      }),
    )
  })

  test('a tone keeps its pitch and its strength', () => {
    fc.assert(
      fc.property(rates, rates, fc.integer({ min: 100, max: 1500 }), (from, to, pitch) => {
        const encoder = encoderOf({ sampleRate: to, resample: 'polyphase' })
        const tone = (rate: number) =>
          Float32Array.from({ length: rate / 10 }, (_, i) => Math.sin((2 * Math.PI * pitch * i) / rate))
        const resampled = encoder.prepare({ sampleRate: from, samples: tone(from) })
        const expected = tone(to)
        // Where the filter does not reach past an end.
        const margin = Math.ceil((12 * to) / Math.min(from, to))
        const differences = Array.from(resampled, (sample, i) => Math.abs(sample - (expected[i] ?? NaN)))
        expect(Math.max(...differences.slice(margin, -margin))).toBeLessThan(0.01)
      }),
      { numRuns: 20 },
    )
  })
})

describe('refused', () => {
  const refusal = (recording: unknown, input: Readonly<Record<string, unknown>> = {}): AfieldError => {
    try {
      encoderOf(input).prepare(recording)
    } catch (error) {
      return error as AfieldError
    }
    throw new Error('The recording was taken.')
  }
  const one = Float32Array.of(0.5)

  test.each<[string, unknown, string]>([
    ['nothing', undefined, 'mistyped'],
    ['a text', 'hello.wav', 'mistyped'],
    ['an object without samples', { sampleRate: RATE }, 'mistyped'],
    ['whole numbers', new Int16Array(8), 'dtype'],
    ['a list of numbers', { sampleRate: RATE, samples: [0.1, 0.2] }, 'dtype'],
    ['double precision', { sampleRate: RATE, samples: new Float64Array(8) }, 'dtype'],
    ['no rate', { samples: one }, 'rate'],
    ['a rate of zero', { samples: one, sampleRate: 0 }, 'rate'],
    ['a rate that is no number', { samples: one, sampleRate: Number.NaN }, 'rate'],
    ['a rate in words', { samples: one, sampleRate: '16000' }, 'rate'],
    ['no samples', new Float32Array(), 'empty'],
    ['no channels', { sampleRate: RATE, samples: [] }, 'empty'],
    ['channels that differ in length', { sampleRate: RATE, samples: [one, new Float32Array(2)] }, 'shape'],
    ['too many channels', { sampleRate: RATE, samples: Array.from({ length: 33 }, () => one) }, 'too-large'],
    ['more than a minute', new Float32Array(60 * RATE + 1), 'too-large'],
    ['NaN', Float32Array.of(0, Number.NaN), 'malformed'],
    ['infinity', Float32Array.of(0, Number.NEGATIVE_INFINITY), 'malformed'],
    [
      'NaN in the second channel',
      { sampleRate: RATE, samples: [one, Float32Array.of(Number.NaN)] },
      'malformed',
    ],
  ])('%s', (_, recording, problem) => {
    const error = refusal(recording)
    expect(error).toEqual(inputError('audio', problem))
    expect(error.message).toMatch(/^"audio" .{10,}\.$/)
  })

  test('another rate, with both rates and what to do', () => {
    const error = refusal({ sampleRate: 44_100, samples: one })
    expect(error).toEqual(inputError('audio', 'rate'))
    expect(error.message).toBe(
      '"audio" has 44100 samples a second and this model takes 16000: record with ' +
        'new AudioContext({ sampleRate: 16000 }), or publish the model with resample: "polyphase".',
    )
  })

  test('another length, with both lengths', () => {
    const error = refusal(one, { samples: 400 })
    expect(error).toEqual(inputError('audio', 'shape'))
    expect(error.message).toContain('has 1 samples and this model takes 400')
  })

  test('a minute is not', () => {
    expect(encoderOf().prepare(new Float32Array(60 * RATE))).toHaveLength(60 * RATE)
  })
})

test('the recording that was given is left as it was', () => {
  const samples = Float32Array.of(0.25, -0.5)
  const encoder = encoderOf({ normalize: 'peak', samples: 3, fit: 'pad-trim' })
  expect([...encoder.prepare(samples)]).toEqual([0.5, -1, 0])
  expect([...samples]).toEqual([0.25, -0.5])
})
