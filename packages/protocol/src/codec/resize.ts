import type { ImageInput } from '../contract/image.js'

type Filter = ImageInput['resample']

/** Along one side: so many pixels are resized to so many others, of which a stretch is wanted. */
export interface Axis {
  readonly source: number
  readonly resized: number
  readonly from: number
  readonly size: number
}

export interface Resizing {
  /** A row of the source, channels interleaved. It may be the same memory each time. */
  readonly row: (y: number) => Uint8Array
  readonly channels: 1 | 3
  readonly x: Axis
  readonly y: Axis
  readonly filter: Filter
}

/** For each wanted pixel: which pixels of the source it is made of, and by what weights. */
interface Taps {
  readonly starts: Int32Array
  readonly counts: Int32Array
  /** Fixed-point, {@link most} for each wanted pixel. */
  readonly weights: Int32Array
  readonly most: number
}

/** Bits after the point of a weight: what 32 bits leave beside a pixel's 8 and two for overshoot, as in Pillow. */
const PRECISION = 32 - 8 - 2
const HALF = 1 << (PRECISION - 1)

/**
 * Resizes as Pillow's `Image.resize` does with pictures of 8 bits a channel, to the bit: each row is resized and rounded
 * to 8 bits, then each column. Only rows that are needed are read, each once and in their order.
 *
 * @returns the wanted stretch, row by row, channels interleaved.
 */
export function resize({ row, channels, x, y, filter }: Resizing): Uint8Array {
  const across = tapsOf(x, filter)
  const down = tapsOf(y, filter)
  const length = x.size * channels
  const resized = new Uint8ClampedArray(y.size * length)
  // Resized rows, as many as one wanted row is ever made of; each takes the place of one that is done with.
  const ring = new Uint8ClampedArray(down.most * length)
  const sums = new Int32Array(length)
  const resizeRow = channels === 3 ? resizeRowOfThree : resizeRowOfOne
  let next = 0
  for (let at = 0; at < y.size; at++) {
    const start = down.starts[at] ?? 0
    const end = start + (down.counts[at] ?? 0)
    for (next = Math.max(next, start); next < end; next++) {
      resizeRow(row(next), across, ring, (next % down.most) * length)
    }
    sums.fill(HALF)
    for (let i = start, tap = at * down.most; i < end; i++, tap++) {
      addRow(sums, ring, (i % down.most) * length, down.weights[tap] ?? 0)
    }
    for (let i = 0, to = at * length; i < length; i++, to++) resized[to] = (sums[i] ?? 0) >> PRECISION
  }
  return new Uint8Array(resized.buffer)
}

function resizeRowOfThree(row: Uint8Array, taps: Taps, target: Uint8ClampedArray, offset: number): void {
  const { starts, counts, weights, most } = taps
  for (let at = 0, to = offset; at < starts.length; at++, to += 3) {
    let from = (starts[at] ?? 0) * 3
    const first = at * most
    const end = first + (counts[at] ?? 0)
    let a = HALF
    let b = HALF
    let c = HALF
    for (let tap = first; tap < end; tap++, from += 3) {
      const weight = weights[tap] ?? 0
      a = (a + Math.imul(row[from] ?? 0, weight)) | 0
      b = (b + Math.imul(row[from + 1] ?? 0, weight)) | 0
      c = (c + Math.imul(row[from + 2] ?? 0, weight)) | 0
    }
    target[to] = a >> PRECISION
    target[to + 1] = b >> PRECISION
    target[to + 2] = c >> PRECISION
  }
}

function resizeRowOfOne(row: Uint8Array, taps: Taps, target: Uint8ClampedArray, offset: number): void {
  const { starts, counts, weights, most } = taps
  for (let at = 0; at < starts.length; at++) {
    let from = starts[at] ?? 0
    const first = at * most
    const end = first + (counts[at] ?? 0)
    let sum = HALF
    for (let tap = first; tap < end; tap++, from++) {
      sum = (sum + Math.imul(row[from] ?? 0, weights[tap] ?? 0)) | 0
    }
    target[offset + at] = sum >> PRECISION
  }
}

function addRow(sums: Int32Array, rows: Uint8ClampedArray, offset: number, weight: number): void {
  for (let i = 0, from = offset; i < sums.length; i++, from++) {
    sums[i] = ((sums[i] ?? 0) + Math.imul(rows[from] ?? 0, weight)) | 0
  }
}

function tapsOf(axis: Axis, filter: Filter): Taps {
  return filter === 'nearest' ? nearestTaps(axis) : filterTaps(axis, KERNELS[filter])
}

/** The pixel under each centre. Positions are added up, because Pillow adds them up and keeps the rounding of it. */
function nearestTaps({ source, resized, from, size }: Axis): Taps {
  const step = source / resized
  const starts = new Int32Array(size)
  let position = step * 0.5
  for (let i = 0; i < from + size; i++, position += step) {
    if (i >= from) starts[i - from] = Math.min(Math.trunc(position), source - 1)
  }
  return {
    starts,
    counts: new Int32Array(size).fill(1),
    weights: new Int32Array(size).fill(1 << PRECISION),
    most: 1,
  }
}

function filterTaps({ source, resized, from, size }: Axis, kernel: Kernel): Taps {
  const scale = source / resized
  // Shrinking widens the kernel until it covers every pixel: that is the antialiasing.
  const widening = Math.max(scale, 1)
  const reach = kernel.support * widening
  const most = Math.ceil(reach) * 2 + 1
  const starts = new Int32Array(size)
  const counts = new Int32Array(size)
  const weights = new Int32Array(size * most)
  const exact = new Float64Array(most)
  for (let at = 0; at < size; at++) {
    const centre = (from + at + 0.5) * scale
    const start = Math.max(Math.trunc(centre - reach + 0.5), 0)
    const count = Math.min(Math.trunc(centre + reach + 0.5), source) - start
    let sum = 0
    for (let i = 0; i < count; i++) {
      const weight = kernel.weight((start + i - centre + 0.5) * (1 / widening))
      exact[i] = weight
      sum += weight
    }
    starts[at] = start
    counts[at] = count
    for (let i = 0; i < count; i++) weights[at * most + i] = toFixedPoint((exact[i] ?? 0) / (sum || 1))
  }
  return { starts, counts, weights, most }
}

function toFixedPoint(weight: number): number {
  return Math.trunc(weight * (1 << PRECISION) + (weight < 0 ? -0.5 : 0.5))
}

interface Kernel {
  /** How far it reaches to each side, in pixels. */
  readonly support: number
  weight(distance: number): number
}

const KERNELS: Readonly<Record<Exclude<Filter, 'nearest'>, Kernel>> = {
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: (x) => Math.max(1 - Math.abs(x), 0) },
  bicubic: { support: 2, weight: (x) => cubic(Math.abs(x), -0.5) },
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
}

/** Keys' cubic convolution. */
function cubic(x: number, a: number): number {
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x)
}
