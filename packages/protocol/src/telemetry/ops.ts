import * as v from 'valibot'
import { ERROR_CODES } from '../errors.js'
import { wholeFrom } from '../primitives.js'
import { HIGHEST_BUCKET, LOWEST_BUCKET, merge, total, type Histogram } from './histogram.js'

/** No count in a batch is larger: a device seals a batch before it gets there. */
export const MAX_COUNT = 1_000_000

/** How far a version got on a device; `failed` counts versions that did not become the serving one. */
export const FUNNEL_STEPS = ['checked', 'downloaded', 'verified', 'staged', 'confirmed', 'failed'] as const
export type FunnelStep = (typeof FUNNEL_STEPS)[number]

/** Why earlier batches of this device never arrived: too old, no room left, or refused by the collector. */
export const DROP_REASONS = ['expired', 'evicted', 'refused'] as const
export type DropReason = (typeof DROP_REASONS)[number]

const CountSchema = wholeFrom(0, MAX_COUNT)

const countsBy = <const K extends readonly string[]>(names: K) =>
  v.strictObject(v.entriesFromList(names, v.exactOptional(CountSchema)))

const HistogramSchema = v.custom<Histogram>(isHistogram, 'not a histogram of bucket indices and counts')

/** See {@link Ops}. */
export const OpsSchema = v.pipe(
  v.strictObject({
    count: CountSchema,
    errors: countsBy(ERROR_CODES),
    funnel: countsBy(FUNNEL_STEPS),
    latency: HistogramSchema,
    drops: v.exactOptional(countsBy(DROP_REASONS)),
  }),
  v.check((ops) => total(ops.latency) <= ops.count, 'more latencies than answers'),
)

/**
 * What a device did in one cell, as counts that name nobody.
 *
 * - `count`: answers served.
 * - `errors`: predictions, updates and checks that failed, by code; those are not in `count`.
 * - `funnel`: how far versions got.
 * - `latency`: milliseconds per answer. Windows with too few answers send none, so its total is at most `count`.
 * - `drops`: batches that were given up before they arrived, by reason.
 */
export type Ops = Readonly<v.InferOutput<typeof OpsSchema>>

/** Nothing happened yet: what {@link mergeOps} leaves unchanged. */
export function emptyOps(): Ops {
  return { count: 0, errors: {}, funnel: {}, latency: {} }
}

/** Both together. Commutative and associative, so checkpoints may be merged in any order. */
export function mergeOps(a: Ops, b: Ops): Ops {
  const drops = addCounts(a.drops ?? {}, b.drops ?? {})
  return {
    count: a.count + b.count,
    errors: addCounts(a.errors, b.errors),
    funnel: addCounts(a.funnel, b.funnel),
    latency: merge(a.latency, b.latency),
    ...(Object.keys(drops).length > 0 ? { drops } : {}),
  }
}

type Counts<K extends string> = { readonly [name in K]?: number }

function addCounts<K extends string>(a: Counts<K>, b: Counts<K>): Counts<K> {
  const sum: { [name in K]?: number } = { ...a }
  for (const name of Object.keys(b) as K[]) sum[name] = (sum[name] ?? 0) + (b[name] ?? 0)
  return sum
}

function isHistogram(value: unknown): value is Histogram {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.entries(value).every(([key, count]) => isBucket(key) && v.is(CountSchema, count) && count > 0)
}

function isBucket(key: string): boolean {
  const bucket = Number(key)
  return /^(0|-?[1-9]\d{0,2})$/.test(key) && bucket >= LOWEST_BUCKET && bucket <= HIGHEST_BUCKET
}
