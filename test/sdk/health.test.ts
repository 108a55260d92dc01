import { AfieldError, errorFromData, type Answer, type Backend, type ErrorData } from '@afield/protocol'
import { beforeEach, expect, test, vi } from 'vitest'
import { Breaker } from '../../packages/sdk/dist/router/breaker.js'
import { checkHealth, type Counted, type Health } from '../../packages/sdk/dist/router/health.js'
import type { Asking } from '../../packages/sdk/dist/router/model-calls.js'

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
  const engine = {
    predict: (_asked: unknown, signal?: AbortSignal): Promise<Answer> => {
      if (y instanceof AfieldError) return Promise.reject(y)
      if (y !== 'hangs') return Promise.resolve({ outputs: { y } })
      return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
    },
  }
  const keeper = {
    golden: () => Promise.resolve({ golden: { x: 1 }, expected: EXPECTED, slo: undefined }),
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
    guard: { breaker: new Breaker(), hasFallback: false },
    ask: async (call: (set: typeof engine) => unknown) => ({ answered: await call(engine), by: served }),
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
