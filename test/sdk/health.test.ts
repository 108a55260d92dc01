import { AfieldError, errorFromData, type Answer, type Backend, type ErrorData } from '@afield/protocol'
import { beforeEach, expect, test, vi } from 'vitest'
import { Breaker } from '../../packages/sdk/dist/router/breaker.js'
import { checkHealth, type Counted, type Health } from '../../packages/sdk/dist/router/health.js'
import type { Asking } from '../../packages/sdk/dist/router/model-calls.js'
import { Route, type RouteCalls } from '../../packages/sdk/dist/router/route.js'
import { SERVED, TERMS, engine } from './support/engines.js'

const EXPECTED = {
  vectors: [{ input: { x: 1 }, output: { y: 2 } }],
  tolerance: { absolute: 1e-3, relative: 1e-3 },
}

let demoted: (readonly [string, AfieldError])[]

beforeEach(() => {
  demoted = []
})

/** A page that serves `m` on a backend whose engine answers the golden vector so. */
function asking(backend: Backend, y: number | 'hangs' | AfieldError): Asking {
  const served = { model: 'm', version: '1.0.0', arm: 'stable', backend, epoch: 1, step: 0 }
  const set = {
    served,
    predict: (_asked: unknown, signal?: AbortSignal): Promise<Answer> => {
      if (y instanceof AfieldError) return Promise.reject(y)
      if (y !== 'hangs') return Promise.resolve({ outputs: { y } })
      return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
    },
  }
  const keeper = {
    golden: () => Promise.resolve({ golden: { x: 1 }, expected: EXPECTED, slo: undefined, of: served }),
    demote: (route: string, error: ErrorData) => Promise.resolve(demoted.push([route, errorFromData(error)])),
  }
  const page = {
    calls: { throwIfCut: () => undefined },
    keeper: { ask: (call: (remote: typeof keeper) => unknown) => Promise.resolve(call(keeper)) },
    background: { run: (work: () => Promise<unknown>) => void work() },
  }
  const route = {
    name: 'm',
    served,
    set,
    guard: { breaker: new Breaker(), hasFallback: false },
    ask: async (call: (asked: typeof set) => unknown) => ({ answered: await call(set), by: served }),
  }
  return { page, route } as unknown as Asking
}

function check(
  backend: Backend,
  y: Parameters<typeof asking>[1],
  counted?: Partial<Counted>,
): Promise<Health> {
  const none = { meanMs: undefined, answered: 0, unanswered: 0 }
  return checkHealth(asking(backend, y), {}, () => Promise.resolve(counted && { ...none, ...counted }))
}

test('a GPU that answers its golden vector wrongly gives way to WASM', async () => {
  expect(await check('webgpu', 2)).toMatchObject({ canPredict: true, answers: true, error: undefined })
  expect(demoted).toEqual([])
  expect(await check('webgpu', 3)).toMatchObject({
    canPredict: false,
    latencyOk: false,
    answers: false,
    error: { code: 'engine/wrong-answer' },
  })
  expect(demoted).toEqual([['m', expect.objectContaining({ code: 'engine/wrong-answer' })]])
})

/** A page on whose route the engine of 1.0.0 answers as it should, until 2.0.0 takes over, which has another golden vector. */
function updating(backend: Backend, first: number): { readonly asking: Asking; readonly update: () => void } {
  const none: RouteCalls = {
    recover: () => Promise.resolve(),
    demote: () => Promise.resolve(),
    grow: () => Promise.resolve(undefined),
    consider: () => Promise.resolve(Infinity),
  }
  const route = new Route('m', undefined, none)
  route.guard = { breaker: new Breaker(), hasFallback: false } as unknown as Route['guard']
  const of = { ...SERVED, backend }
  route.serve(engine({ y: first }), of, TERMS)
  const page = {
    calls: { throwIfCut: () => undefined },
    background: { run: (work: () => Promise<unknown>) => void work() },
  }
  return {
    asking: { page, route } as unknown as Asking,
    update: () => route.serve(engine({ y: 20 }), { ...of, version: '2.0.0' } as typeof SERVED, TERMS),
  }
}

/** What the keeper takes out of the version that it thinks serves. */
function questionOf(version: string, backend: Backend, y: number) {
  const vectors = [{ input: { x: 1 }, output: { y } }]
  return { golden: { x: 1 }, expected: { ...EXPECTED, vectors }, slo: undefined, of: { version, backend } }
}

test.each<[string, readonly number[]]>([
  ['while its golden vector is read', [2]],
  ['before the keeper knows of it', [2, 20]],
])('another version that takes over %s is not to blame for an answer', async (when, expected) => {
  const { asking, update } = updating('webgpu', 2)
  let read = 0
  const keeper = {
    golden: () => {
      const y = expected[read++] ?? 0
      if (read === 1) update()
      return Promise.resolve(questionOf(y === 2 ? '1.0.0' : '2.0.0', 'webgpu', y))
    },
    demote: (route: string, error: ErrorData) => Promise.resolve(demoted.push([route, errorFromData(error)])),
  }
  if (when.startsWith('before')) update()
  Object.assign(asking.page, {
    keeper: { ask: (call: (remote: typeof keeper) => unknown) => Promise.resolve(call(keeper)) },
  })
  const health = await checkHealth(asking, {}, () => Promise.resolve(undefined))
  expect(health).toMatchObject({ canPredict: true, error: undefined })
  expect([demoted, read]).toEqual([[], expected.length])
})

test('of a GPU that was replaced while it answered wrongly, what serves now does not pay', async () => {
  const { asking, update } = updating('webgpu', 3)
  const keeper = {
    golden: () => {
      update()
      return Promise.resolve(questionOf('1.0.0', 'webgpu', 2))
    },
    demote: (route: string, error: ErrorData) => Promise.resolve(demoted.push([route, errorFromData(error)])),
  }
  Object.assign(asking.page, {
    keeper: { ask: (call: (remote: typeof keeper) => unknown) => Promise.resolve(call(keeper)) },
  })
  expect(await checkHealth(asking, {}, () => Promise.resolve(undefined))).toMatchObject({
    canPredict: false,
    error: { code: 'engine/wrong-answer' },
  })
  expect(demoted).toEqual([])
})

test('there is nothing that WASM could give way to', async () => {
  expect(await check('wasm', 3)).toMatchObject({ canPredict: false, error: { code: 'engine/wrong-answer' } })
  expect(demoted).toEqual([])
})

test('an engine that is lost or closed tells why', async () => {
  const lost = await check('wasm', new AfieldError('engine/crashed', 'Gone.'))
  expect(lost).toMatchObject({ canPredict: false, error: { code: 'engine/crashed' } })
  await expect(check('wasm', new AfieldError('closed', 'Closed.'))).rejects.toMatchObject({ code: 'closed' })
})

test.each<[Partial<Counted> | undefined, Pick<Health, 'latencyOk' | 'successOk'>]>([
  [undefined, { latencyOk: true, successOk: true }],
  [
    { meanMs: 99, answered: 95, unanswered: 5 },
    { latencyOk: true, successOk: true },
  ],
  [
    { meanMs: 101, answered: 94, unanswered: 6 },
    { latencyOk: false, successOk: false },
  ],
  [
    { meanMs: 1, answered: 10, unanswered: 9 },
    { latencyOk: true, successOk: true },
  ],
])('of a page that counted %j, it is %j', async (counted, told) => {
  expect(await check('wasm', 2, counted)).toMatchObject(told)
})

test('waits for no counts that do not come, and no longer than the app does', async () => {
  const never = (): Promise<undefined> => new Promise(() => undefined)
  vi.useFakeTimers()
  try {
    const told = checkHealth(asking('wasm', 2), {}, never)
    await vi.advanceTimersByTimeAsync(1000)
    expect(await told).toMatchObject({ canPredict: true, successOk: true })
    const giving = new AbortController()
    const given = checkHealth(asking('wasm', 2), { signal: giving.signal }, never)
    given.catch(() => undefined)
    await vi.advanceTimersByTimeAsync(50)
    giving.abort()
    await expect(given).rejects.toMatchObject({ code: 'aborted' })
  } finally {
    vi.useRealTimers()
  }
})
