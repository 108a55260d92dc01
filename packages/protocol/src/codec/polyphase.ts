/** Zero crossings of the filter to each side, and the shape of its window: SciPy's defaults. */
const CROSSINGS = 10
const BETA = 5

/** A filter taken apart into phases: every `up`-th of its taps is one. */
export interface Polyphase {
  readonly up: number
  readonly down: number
  readonly halfLength: number
  /** Taps of one phase after the other, each padded with zeros to {@link length}. */
  readonly taps: Float32Array
  readonly length: number
}

/**
 * The filter of `scipy.signal.resample_poly` with its default window, Kaiser 5.0: a windowed sinc that cuts at half the
 * lower of two sample rates.
 */
export function polyphase(fromRate: number, toRate: number): Polyphase {
  const divisor = greatestCommonDivisor(fromRate, toRate)
  const up = toRate / divisor
  const down = fromRate / divisor
  const larger = Math.max(up, down)
  const halfLength = CROSSINGS * larger
  const half = new Float64Array(halfLength + 1)
  const atCentre = bessel(BETA)
  let sum = 0
  for (let i = 0; i <= halfLength; i++) {
    const tap = sinc(i / larger) * (bessel(BETA * Math.sqrt(1 - (i / halfLength) ** 2)) / atCentre)
    half[i] = tap
    sum += i === 0 ? tap : 2 * tap
  }
  const length = Math.ceil((2 * halfLength + 1) / up)
  const taps = new Float32Array(up * length)
  for (let i = 0; i <= 2 * halfLength; i++) {
    // Rounded to single precision before it is scaled, as SciPy does for samples of single precision.
    taps[(i % up) * length + Math.floor(i / up)] =
      Math.fround((half[Math.abs(i - halfLength)] ?? 0) / sum) * up
  }
  return { up, down, halfLength, taps, length }
}

/** Brings samples to the other rate; beyond both ends there is silence. */
export function resample(
  samples: Float32Array,
  { up, down, halfLength, taps, length }: Polyphase,
): Float32Array {
  const resampled = new Float32Array(Math.ceil((samples.length * up) / down))
  let newest = Math.floor(halfLength / up)
  let phase = halfLength % up
  for (let at = 0; at < resampled.length; at++) {
    const first = Math.max(0, newest - samples.length + 1)
    const end = Math.min(length, newest + 1)
    let sum = 0
    for (let i = first, tap = phase * length + first; i < end; i++, tap++) {
      sum += (samples[newest - i] ?? 0) * (taps[tap] ?? 0)
    }
    resampled[at] = sum
    phase += down
    newest += Math.floor(phase / up)
    phase %= up
  }
  return resampled
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x)
}

/** The modified Bessel function I₀, by its series: Σ ((x/2)ᵏ / k!)². */
function bessel(x: number): number {
  const quarter = (x * x) / 4
  let term = 1
  let sum = 1
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= quarter / (k * k)
    sum += term
  }
  return sum
}
