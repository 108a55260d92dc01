import { AfieldError, invalidInput, type Backend } from '@afield/protocol'
import type { ModelInput } from '../api.js'
import { abortable, throwIfAborted } from '../abort.js'
import type { Asked } from '../engine/messages.js'
import { RUNTIME } from '../engine/runtime.js'
import type { Served } from '../keeper/ports.js'
import type { GoldenQuestion } from '../keeper/catalogue.js'
import { checkSignal } from './deadline.js'
import type { EngineSet } from './engine-set.js'
import type { Route } from './route.js'

/** Predictions before those that are measured: code is compiled and buffers grow in the first of them. */
const WARM_UPS = 10
/** What is asked at once to measure throughput. */
const AT_ONCE = 64
const MAX_SAMPLES = 100_000

export interface BenchmarkOptions {
  /** Predictions to measure; default 100, at most 100,000. */
  readonly samples?: number
  /** What to ask; default the input of the version's first golden vector. */
  readonly input?: ModelInput
  readonly signal?: AbortSignal
}

/** How fast this device answers, by real predictions of one version on one backend. */
export interface BenchmarkReport {
  readonly model: string
  readonly modelVersion: string
  readonly backend: Backend
  /** Such as `onnxruntime-web 1.30.0`. */
  readonly runtime: string
  /** Whether the app gave the input, or a golden vector did. */
  readonly input: 'given' | 'golden'
  readonly samples: number
  /** Milliseconds from a call to its answer, one call after the other. Percentiles are of nearest rank. */
  readonly latencyMs: {
    readonly mean: number
    readonly p50: number
    readonly p95: number
    readonly p99: number
    readonly max: number
  }
  /** Answers a second when 64 are asked at once, over as many predictions again. */
  readonly perSecond: number
  /** Before the samples and not among them; `firstMs` is the very first of these. */
  readonly warmUp: { readonly predictions: number; readonly firstMs: number; readonly totalMs: number }
}

/** What to measure, and how it is asked. */
interface Measuring {
  readonly samples: number
  readonly input: 'given' | 'golden'
  readonly signal: AbortSignal | undefined
  /** With what it is for, where it is for one version alone. */
  readonly question: () => Promise<{ readonly asked: Asked; readonly of?: Served | undefined }>
  /** Resolves with what answered. */
  readonly ask: (ask: (engine: EngineSet) => Promise<unknown>) => Promise<Served>
}

/**
 * Measures what serves on a route, by predictions that count nowhere. Begins anew when another version or backend
 * takes over meanwhile.
 *
 * @param golden a golden vector of the version that serves.
 * @throws AfieldError `input/invalid`, field `samples` or `signal`, and whatever the predictions fail with.
 */
export async function benchmark(
  route: Route,
  { samples = 100, input, signal }: BenchmarkOptions,
  golden: () => Promise<GoldenQuestion>,
): Promise<BenchmarkReport> {
  if (!Number.isInteger(samples) || samples < 1 || samples > MAX_SAMPLES) {
    throw invalidInput('samples', 'out-of-range', `is a whole number from 1 to ${MAX_SAMPLES}`)
  }
  checkSignal(signal)
  const measuring: Measuring = {
    samples,
    input: input === undefined ? 'golden' : 'given',
    signal,
    question: async () => {
      if (input !== undefined) return { asked: { input, isTest: true } }
      const question = await golden()
      return { asked: { golden: question.golden }, of: question.of }
    },
    ask: async (ask) => (await abortable(route.ask(ask), signal)).by,
  }
  for (;;) {
    const report = await measure(measuring)
    if (report) return report
  }
}

/** `undefined` when not all was answered by one version on one backend. */
async function measure({
  samples,
  input,
  signal,
  question,
  ask,
}: Measuring): Promise<BenchmarkReport | undefined> {
  throwIfAborted(signal)
  const { asked, of } = await question()
  const answeredBy = new Map(of ? [[identityOf(of), of]] : [])
  const time = async (pose: (engine: EngineSet) => Promise<unknown>): Promise<number> => {
    throwIfAborted(signal)
    const began = performance.now()
    // Another version may take another input.
    const by = await ask(async (engine) => {
      if (of === undefined || answeredBy.has(identityOf(engine.served))) await pose(engine)
    })
    const ms = performance.now() - began
    answeredBy.set(identityOf(by), by)
    return ms
  }
  const timed = async (count: number): Promise<number[]> => {
    const times: number[] = []
    while (times.length < count && answeredBy.size < 2)
      times.push(await time((engine) => engine.predict(asked, undefined)))
    return times
  }
  const warmUp = await timed(WARM_UPS)
  const times = await timed(samples)
  let together = 0
  for (let left = samples; left > 0 && answeredBy.size < 2; left -= AT_ONCE) {
    const pack = Array.from({ length: Math.min(left, AT_ONCE) }, () => asked)
    together += await time((engine) => askTogether(engine, pack, signal))
  }
  const [by, other] = answeredBy.values()
  if (!by || other) return undefined
  return {
    model: by.model,
    modelVersion: by.version,
    backend: by.backend,
    runtime: RUNTIME,
    input,
    samples,
    latencyMs: summarise(times),
    perSecond: (1000 * samples) / together,
    warmUp: { predictions: warmUp.length, firstMs: warmUp[0] ?? 0, totalMs: sum(warmUp) },
  }
}

function identityOf({ version, backend }: Served): string {
  return `${version} ${backend}`
}

async function askTogether(
  engine: EngineSet,
  pack: readonly Asked[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const settled = await engine.predictMany(pack, signal)
  const failed = settled.find((one) => one instanceof AfieldError)
  if (failed) throw failed
}

function summarise(times: readonly number[]): BenchmarkReport['latencyMs'] {
  const sorted = [...times].sort((a, b) => a - b)
  const quantile = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? 0
  return {
    mean: sum(sorted) / sorted.length,
    p50: quantile(0.5),
    p95: quantile(0.95),
    p99: quantile(0.99),
    max: quantile(1),
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
