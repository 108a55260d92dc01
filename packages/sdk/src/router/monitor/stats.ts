import { histogram, type Histogram } from '@afield/protocol'
import type { ModelCounts, ServedCounts } from './model-counts.js'
import type { ObjectiveReport, Stats, Tally } from './reports.js'

/** What is not counted here. */
export type Around = Pick<Stats, 'engines' | 'bytes'> & { readonly objectives: readonly ObjectiveReport[] }

/** What became of a model's predictions, out of what was counted. */
export function statsOf(model: ModelCounts, now: number, { engines, bytes, objectives }: Around): Stats {
  const errors: Record<string, number> = {}
  for (const one of model.served) {
    for (const [code, count] of one.errors) errors[code] = (errors[code] ?? 0) + count
  }
  return {
    model: model.model,
    total: tallyOf(model.served, now, model.unasked),
    versions: [...model.served].reverse().map((one) => ({
      version: one.version,
      backend: one.backend,
      ...tallyOf([one], now),
    })),
    fallback: { ...model.fallback },
    errors,
    engines,
    bytes,
    objectives,
  }
}

/** @param unasked predictions that the model was not asked for. */
function tallyOf(of: readonly ServedCounts[], now: number, unasked = 0): Tally {
  const latency: Record<string, number> = {}
  for (const { latencies } of of) latencies.addTo(latency)
  const answers = sumOf(of, ({ latencies }) => latencies.count)
  const errors = sumOf(of, (one) => sumOf(one.errors.values(), (count) => count))
  const count = answers + errors + unasked
  const max = Math.max(0, ...of.map(({ latencies }) => latencies.max))
  return {
    count,
    errors,
    timeouts: sumOf(of, (one) => one.errors.get('engine/timeout') ?? 0),
    success: count > 0 ? answers / count : 1,
    perSecond: perSecond(of, now),
    latencyMs: {
      mean: answers > 0 ? sumOf(of, ({ latencies }) => latencies.sum) / answers : 0,
      ...quantiles(latency, max),
      max,
    },
    computeSeconds: sumOf(of, ({ computeMs }) => computeMs) / 1000,
  }
}

/** Estimates, of which none exceeds what was seen. */
function quantiles(latency: Histogram, max: number): Pick<Tally['latencyMs'], 'p50' | 'p95' | 'p99'> {
  const quantile = (q: number): number => Math.min(max, histogram.quantile(latency, q) ?? 0)
  return { p50: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99) }
}

/** Answers of less than a second are said of that second. */
function perSecond(of: readonly ServedCounts[], now: number): number {
  const [first] = of
  if (!first) return 0
  const firstAt = Math.min(...of.map(({ firstAt = now }) => firstAt))
  const ms = Math.max(1000, Math.min(now - firstAt, first.answers.reachMs(now)))
  return (sumOf(of, ({ answers }) => answers.sum(now, 0)) * 1000) / ms
}

function sumOf<T>(items: Iterable<T>, of: (item: T) => number): number {
  let sum = 0
  for (const item of items) sum += of(item)
  return sum
}
