import {
  AfieldError,
  asAfieldError,
  describeDisagreement,
  errorToData,
  findDisagreement,
  type Answer,
  type Backend,
} from '@afield/protocol'
import { abortable, throwIfAborted } from '../abort.js'
import type { GoldenQuestion } from '../keeper/catalogue.js'
import { Deadline } from './deadline.js'
import { guardOf } from './guarded.js'
import type { Asking } from './model-calls.js'

/** The share of a page's latest predictions that a model must have answered, */
const SUCCESS = 0.95
/** and of how many at least: of fewer, one that fails says nothing. */
const LEAST = 20
/** A test prediction that takes longer is no answer. */
const TEST_WITHIN_MS = 5000
/** Counts whose code has not come by then are left out. */
const COUNTS_WITHIN_MS = 1000
/** Most ms that a prediction may take, where the version has no objective. */
const LATENCY_MS = 100
/** The same by the class of its objective. */
const CLASS_MS: Readonly<Record<string, number>> = {
  realtime: 100,
  interactive: 500,
  'near-realtime': 5000,
  batch: Infinity,
}

export interface HealthOptions {
  readonly signal?: AbortSignal
}

/** Whether a model can answer here, by a real prediction. */
export interface Health {
  readonly model: string
  /** Of what serves; `undefined` while nothing does. */
  readonly version: string | undefined
  readonly backend: Backend | undefined
  readonly modelLoaded: boolean
  /** A golden vector was asked and its answer agreed. */
  readonly canPredict: boolean
  /** The test prediction, and the mean of this page's predictions, kept to 100 ms or what the model's objective says. */
  readonly latencyOk: boolean
  /** In the last hour, a model answered at least 95 % of this page's predictions; also while fewer than 20 were asked. */
  readonly successOk: boolean
  /** Of the test prediction. */
  readonly latencyMs: number | undefined
  /** Whether anything answers, a fallback included. */
  readonly answers: boolean
  /** `closed`: calls ask the model. `open`: they do not, since it kept failing. `half-open`: the next one tries. */
  readonly breaker: 'closed' | 'open' | 'half-open'
  /** Why it cannot predict. */
  readonly error: AfieldError | undefined
}

/** What the test prediction found out. */
interface Tested {
  readonly ms: number
  readonly limitMs: number
}

/** What became of this page's predictions. */
export interface Counted {
  /** `undefined` while there are none. */
  readonly meanMs: number | undefined
  /** In the last hour: those that a model answered, and those that none did. */
  readonly answered: number
  readonly unanswered: number
}

/**
 * Asks what serves on a route a golden vector, past breaker and counts. What answers wrongly on a GPU gives way to WASM.
 *
 * @param counted of this page's predictions, where they can be had.
 * @throws AfieldError `aborted`, `closed`.
 */
export async function checkHealth(
  asking: Asking,
  { signal }: HealthOptions,
  counted: () => Promise<Counted | undefined>,
): Promise<Health> {
  const { page, route } = asking
  page.calls.throwIfCut()
  const guard = await guardOf(page, route)
  const deadline = new Deadline(performance.now(), { signal, timeoutMs: TEST_WITHIN_MS })
  let tested: Tested | undefined
  let error: AfieldError | undefined
  try {
    tested = await abortable(test(asking, deadline), deadline.signal)
  } catch (cause) {
    error = asAfieldError(cause, 'internal/unexpected', 'The test prediction failed')
    if (error.code === 'aborted' || error.code === 'closed') throw error
  } finally {
    deadline.end()
  }
  const { served } = route
  const breaker = guard?.breaker.state ?? 'closed'
  const limit = tested?.limitMs ?? 0
  const { meanMs = 0, answered = 0, unanswered = 0 } = (await inTime(counted(), signal)) ?? {}
  const asked = answered + unanswered
  return {
    model: route.model,
    version: served?.version,
    backend: served?.backend,
    modelLoaded: served !== undefined,
    canPredict: tested !== undefined,
    latencyOk: Math.max(tested?.ms ?? Infinity, meanMs) <= limit,
    successOk: asked < LEAST || answered >= SUCCESS * asked,
    latencyMs: tested?.ms,
    answers: (tested !== undefined && breaker !== 'open') || (guard?.hasFallback ?? false),
    breaker,
    error,
  }
}

/**
 * Puts its golden vector to what serves. What is replaced meanwhile answers it still, and pays for what it answers alone.
 *
 * @throws AfieldError `engine/wrong-answer`, and whatever a prediction fails with.
 */
async function test({ page, route }: Asking, { signal }: Deadline): Promise<Tested> {
  for (;;) {
    throwIfAborted(signal)
    const { answered: tested } = await route.ask(async (set): Promise<Tested | undefined> => {
      const { golden, expected, slo, of } = await page.keeper.ask((keeper) => keeper.golden(route.name))
      const { version, backend } = set.served
      // The keeper is ahead of the page, or behind it.
      if (of.version !== version || of.backend !== backend) return undefined
      const began = performance.now()
      const answered = await set.predict({ golden }, signal)
      const ms = performance.now() - began
      const wrong = wrongAnswer(expected, answered)
      if (!wrong) return { ms, limitMs: limitOf(slo) }
      if (backend !== 'wasm' && set === route.set) {
        page.background.run(() => page.keeper.ask((keeper) => keeper.demote(route.name, errorToData(wrong))))
      }
      throw wrong
    })
    if (tested) return tested
  }
}

function wrongAnswer(expected: GoldenQuestion['expected'], { outputs }: Answer): AfieldError | undefined {
  const disagreement = findDisagreement(expected, [outputs])
  return disagreement && new AfieldError('engine/wrong-answer', `${describeDisagreement(disagreement)}.`)
}

function inTime<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T | undefined> {
  const late = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), COUNTS_WITHIN_MS))
  return abortable(Promise.race([work, late]), signal)
}

/** What the objective says; its class was read when the version was published. */
function limitOf(slo: unknown): number {
  const { class: name } = (slo ?? {}) as { readonly class?: unknown }
  return (typeof name === 'string' ? CLASS_MS[name] : undefined) ?? LATENCY_MS
}
