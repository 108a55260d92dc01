import { svg } from './element.js'
import { duration } from './format.js'

/**
 * Latencies come as an exponential histogram at scale 5: bucket i holds 2^(i/32) < v ≤ 2^((i+1)/32) milliseconds.
 * Its index is a logarithm, so drawing it to scale gives a logarithmic axis.
 *
 * @typedef {Record<string, number>} Histogram
 * @typedef {{ first: number, last: number }} Range in bars
 */
const BUCKETS_PER_BAR = 4
const BARS_PER_DOUBLING = 32 / BUCKETS_PER_BAR

const WIDTH = 240
const PLOT = 44
const AXIS = 15

/** Round durations for the axis, in milliseconds. */
const MARKS = [0.001, 0.01, 0.1, 1, 10, 100, 1_000, 10_000, 100_000]

/**
 * The bars that all of a model's versions span together, so that their charts can be compared by eye.
 *
 * @param {Histogram[]} histograms
 * @returns {Range}
 */
export function commonRange(histograms) {
  const bars = histograms.flatMap((histogram) =>
    Object.keys(histogram).map((bucket) => barOf(Number(bucket))),
  )
  if (bars.length === 0) return { first: 0, last: BARS_PER_DOUBLING }
  const first = Math.min(...bars) - 1
  // At least three doublings, or a single spike would fill the width.
  return { first, last: Math.max(Math.max(...bars) + 1, first + 3 * BARS_PER_DOUBLING) }
}

/**
 * @param {Histogram} histogram
 * @param {{ p50: number, p95: number, p99: number }} summary milliseconds
 * @param {Range} range
 */
export function latencyChart(histogram, summary, range) {
  const { p50, p95, p99 } = summary
  const label = `Latency: half within ${duration(p50)}, 95 % within ${duration(p95)}, 99 % within ${duration(p99)}`
  return svg(
    'svg',
    { class: 'chart', viewBox: `0 0 ${WIDTH} ${PLOT + AXIS}`, role: 'img', 'aria-label': label },
    ...axis(range),
    ...bars(histogram, range),
    marker('marker-p50', p50, range),
    marker('marker-p95', p95, range),
  )
}

/** @param {Histogram} histogram @param {Range} range */
function bars(histogram, range) {
  const heights = new Map()
  for (const [bucket, count] of Object.entries(histogram)) {
    const bar = barOf(Number(bucket))
    heights.set(bar, (heights.get(bar) ?? 0) + count)
  }
  const tallest = Math.max(...heights.values())
  const slot = WIDTH / (range.last - range.first + 1)
  const gap = Math.min(1, slot / 4)
  return [...heights].map(([bar, count]) => {
    // A single slow answer in a million still shows as a line.
    const height = Math.max(1, (count / tallest) * PLOT)
    return svg('rect', {
      class: 'bar',
      x: round((bar - range.first) * slot + gap / 2),
      y: round(PLOT - height),
      width: round(slot - gap),
      height: round(height),
      rx: round(Math.min(1, height / 2)),
    })
  })
}

/** @param {Range} range */
function axis(range) {
  const line = svg('line', { class: 'axis', x1: 0, x2: WIDTH, y1: PLOT + 0.5, y2: PLOT + 0.5 })
  const ticks = marksIn(range).flatMap((ms) => {
    const x = round(xOf(ms, range))
    return [
      svg('line', { class: 'axis', x1: x, x2: x, y1: PLOT, y2: PLOT + 3 }),
      svg('text', { class: 'tick', x, y: PLOT + AXIS - 1, 'text-anchor': anchor(x) }, tickLabel(ms)),
    ]
  })
  return [line, ...ticks]
}

/** @param {Range} range */
function marksIn(range) {
  const inside = (/** @type {number} */ ms) => xOf(ms, range) >= 0 && xOf(ms, range) <= WIDTH
  const decades = MARKS.filter(inside)
  if (decades.length > 1) return decades
  return MARKS.flatMap((ms) => [ms, 2 * ms, 5 * ms]).filter(inside)
}

/** @param {string} name @param {number} ms @param {Range} range */
function marker(name, ms, range) {
  const x = round(xOf(ms, range))
  return svg('line', { class: `marker ${name}`, x1: x, x2: x, y1: 0, y2: PLOT })
}

/** @param {number} ms @param {Range} range */
function xOf(ms, range) {
  return ((Math.log2(ms) * BARS_PER_DOUBLING - range.first) / (range.last - range.first + 1)) * WIDTH
}

/** @param {number} bucket */
const barOf = (bucket) => Math.floor(bucket / BUCKETS_PER_BAR)

/** @param {number} x */
function anchor(x) {
  if (x < 14) return 'start'
  return x > WIDTH - 14 ? 'end' : 'middle'
}

/** @param {number} ms */
const tickLabel = (ms) => (ms >= 1000 ? `${ms / 1000} s` : `${ms} ms`)

/** @param {number} value */
const round = (value) => Math.round(value * 100) / 100
