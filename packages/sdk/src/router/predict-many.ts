import { AfieldError } from '@afield/protocol'
import type { PredictManyOptions, Predictions } from '../api.js'
import { abortable, throwIfAborted } from '../abort.js'
import type { Settled } from './call.js'
import type { EngineSet } from './engine-set.js'
import { failureOf } from './fallback/blame.js'
import { checkRanking, rank } from './rank.js'
import type { Route, RouteCounts } from './route.js'
import type { Stream } from './stream.js'

/** Candidates that are made ready together; their bitmaps are there only from then until they are sent. */
const PACK = 1024

export interface Asking {
  readonly route: Route
  /** What serves, if anything does. */
  readonly first: EngineSet | undefined
  /** See `Stream`, where one asks. */
  readonly next: Stream['next'] | undefined
  readonly counts: RouteCounts | undefined
  readonly began: number
}

/** See `Model.predictMany`. */
export async function predictMany(
  { route, first, next, counts, began }: Asking,
  candidates: readonly unknown[],
  options: PredictManyOptions,
): Promise<Predictions> {
  checkRanking(candidates, options)
  const { signal } = options
  throwIfAborted(signal)
  const askAll = async (
    set: EngineSet,
  ): Promise<{ readonly set: EngineSet; readonly settled: readonly Settled[] }> => {
    const release = set.holds.hold()
    try {
      const settled = await askPacks(set, candidates, signal)
      const lost = settled.find((one) => one instanceof AfieldError && LOST.has(one.code))
      if (lost) throw lost
      return { set, settled }
    } finally {
      release()
    }
  }
  const { set, settled } = await abortable(twice(route, askAll, first, next), signal)
  const by = set.served
  const now = performance.now()
  const latencyMs = now - began
  // Fails where there is no such output, and whoever asked then has no answer.
  const ranked = rank(settled, options)
  for (const one of settled) {
    if (one instanceof AfieldError) counts?.failed(by, one.code)
    else counts?.answered(by, latencyMs, now)
  }
  const failure = failureOf(ranked)
  if (failure && !next) route.onFailed?.(failure, by)
  const { model, version: modelVersion, backend } = by
  return { ...ranked, model, modelVersion, servedBy: route.servedBy(by), backend, latencyMs }
}

/** What is no candidate's fault. */
const LOST: ReadonlySet<string> = new Set([
  'closed',
  'engine/crashed',
  'engine/device-lost',
  'engine/wrong-answer',
])

/** After its engine was lost, or was wrong, all of them once more: one version answers them. */
async function twice<T>(
  route: Route,
  ask: (set: EngineSet) => Promise<T>,
  first: EngineSet | undefined,
  next: Stream['next'] = (failed) => route.ready(failed),
): Promise<T> {
  const set = first ?? (await route.ready())
  try {
    return await ask(set)
  } catch (error) {
    if (!(error instanceof AfieldError) || error.code === 'closed' || !LOST.has(error.code)) throw error
    return ask(await next({ set, error }))
  }
}

/** Each engine has one pack; the rest waits where it is, unprepared. */
async function askPacks(
  set: EngineSet,
  candidates: readonly unknown[],
  signal: AbortSignal | undefined,
): Promise<readonly Settled[]> {
  const settled: Settled[] = []
  const underWay: Promise<void>[] = []
  for (let at = 0; at < candidates.length; at += PACK) {
    if (underWay.length >= set.members.length) await underWay.shift()
    throwIfAborted(signal)
    const asked = candidates.slice(at, at + PACK).map((input) => ({ input }))
    underWay.push(
      set.predictMany(asked, signal).then((answers) => {
        for (const [i, answer] of answers.entries()) settled[at + i] = answer
      }),
    )
  }
  await Promise.all(underWay)
  return settled
}
