import { expect, test } from 'vitest'
import { benchmark } from '../../packages/sdk/dist/router/benchmark.js'
import { Route, type RouteCalls, type RouteCounts } from '../../packages/sdk/dist/router/route.js'
import { SERVED, TERMS, engine } from './support/engines.js'

/** The route asks for nothing in these tests. */
const CALLS: RouteCalls = {
  recover: () => Promise.resolve(),
  demote: () => Promise.resolve(),
  grow: () => Promise.resolve(undefined),
  consider: () => Promise.resolve(Infinity),
}

test('candidates that cannot be ranked are counted once, as failed', async () => {
  const counted: unknown[] = []
  const counts: RouteCounts = {
    answered: () => counted.push('answered'),
    failed: (_served, code, times) => counted.push([code, times]),
    reached: () => undefined,
  }
  const route = new Route('m', counts, CALLS)
  route.serve(engine({ risk: 0.5 }), SERVED, TERMS)
  const ranking = route.predictMany([1, 2, 3], { rankBy: 'price' })
  await expect(ranking).rejects.toMatchObject({ code: 'input/invalid', details: { field: 'rankBy' } })
  expect(counted).toEqual([['input/invalid', 3]])
})

test('a benchmark begins anew when another backend takes over', async () => {
  const route = new Route('m', undefined, CALLS)
  route.serve(engine(), SERVED, TERMS)
  let asked = 0
  const slow = engine()
  const counting = {
    ...slow,
    send: (pack: Parameters<typeof slow.send>[0]) => {
      asked += pack.calls.length
      return slow.send(pack)
    },
  }
  const measuring = benchmark(route, { samples: 50, input: {} }, () => Promise.reject(new Error('unasked')))
  for (let i = 0; i < 100; i++) await Promise.resolve()
  route.serve(counting, { ...SERVED, backend: 'webgpu' }, TERMS)
  expect(await measuring).toMatchObject({ backend: 'webgpu', samples: 50 })
  // Warm-up, one after the other, and together.
  expect(asked).toBeGreaterThanOrEqual(110)
})
