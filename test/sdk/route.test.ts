import { AfieldError, type ErrorCode } from '@afield/protocol'
import type { PinnedModel } from 'afield'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { benchmark } from '../../packages/sdk/dist/router/benchmark.js'
import { Chain } from '../../packages/sdk/dist/router/fallback/chain.js'
import { Guard } from '../../packages/sdk/dist/router/guard.js'
import { statsOf } from '../../packages/sdk/dist/router/monitor/stats.js'
import type { Member } from '../../packages/sdk/dist/router/member.js'
import type { Pack } from '../../packages/sdk/dist/router/pack.js'
import { Route, type RouteCalls, type RouteCounts } from '../../packages/sdk/dist/router/route.js'
import { SERVED, TERMS, engine } from './support/engines.js'
import { Counted, NOTHING_AROUND } from './support/monitoring.js'

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

test('what is no array of candidates is refused, and counted once', async () => {
  const counted: unknown[] = []
  const counts: RouteCounts = {
    answered: () => undefined,
    failed: (_served, code, times = 1) => counted.push([code, times]),
    reached: () => undefined,
  }
  const route = new Route('m', counts, CALLS)
  route.serve(engine(), SERVED, TERMS)
  for (const candidates of [undefined, null, 'text', {}] as unknown as (readonly unknown[])[]) {
    const asked = route.predictMany(candidates)
    await expect(asked).rejects.toMatchObject({ code: 'input/invalid', details: { field: 'candidates' } })
  }
  expect(counted).toEqual(Array.from({ length: 4 }, () => ['input/invalid', 1]))
})

test('many of a stream that fail are counted for the version that it is held at', async () => {
  const counted: unknown[] = []
  const counts: RouteCounts = {
    answered: () => undefined,
    failed: ({ version }, code, times) => counted.push([version, code, times]),
    reached: () => undefined,
  }
  const route = new Route('m', counts, CALLS)
  route.serve(engine({ risk: 0.5 }), SERVED, TERMS)
  const pinned = await route.pin()
  route.serve(engine(), { ...SERVED, version: '2.0.0' } as typeof SERVED, TERMS)
  const giving = AbortSignal.abort()
  await expect(pinned.predictMany([1, 2], { signal: giving })).rejects.toMatchObject({ code: 'aborted' })
  expect(counted).toEqual([['1.0.0', 'aborted', 2]])
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

test('calls of a stream that a GPU answers wrongly follow on to WASM, one after the other', async () => {
  const packs: Pack[] = []
  const wrong = { ...engine(), send: (pack: Pack) => packs.push(pack) > 0 }
  const asked: string[] = []
  const route: Route = new Route('m', undefined, {
    ...CALLS,
    recover: () => Promise.resolve(void asked.push('recover')),
    demote: () => {
      asked.push('demote')
      route.serve(engine(), SERVED, TERMS)
      return Promise.resolve()
    },
  })
  route.serve(wrong, { ...SERVED, backend: 'webgpu' }, TERMS)
  const pinned = await route.pin()
  const first = pinned.predict(1)
  await expect.poll(() => packs.length).toBe(1)
  const second = pinned.predict(2)
  await expect.poll(() => packs.length).toBe(1)
  const fail = (pack: Pack): void => {
    pack.done(1)
    for (const call of pack.calls) call.fail(new AfieldError('engine/wrong-answer', 'It answered with NaN.'))
  }
  for (const pack of packs.splice(0)) fail(pack)
  expect(await first).toMatchObject({ backend: 'wasm' })
  await expect.poll(() => packs.length).toBe(1)
  for (const pack of packs.splice(0)) fail(pack)
  expect(await second).toMatchObject({ backend: 'wasm' })
  expect(asked).toEqual(['demote'])
})

test('a stream that was let go is answered by its version, where that serves on another backend', async () => {
  const route = new Route('m', undefined, CALLS)
  route.serve(engine(), SERVED, TERMS)
  const pinned = await route.pin()
  route.serve(engine(), { ...SERVED, backend: 'webgpu' }, TERMS)
  pinned.release()
  expect(await pinned.predict(1)).toMatchObject({ modelVersion: '1.0.0', backend: 'webgpu' })
})

test('a failure is told with what served it, but for those of a stream, which is asked past the breaker', async () => {
  const route = new Route('m', undefined, CALLS)
  const heard: unknown[] = []
  route.onFailed = ({ code }, by) => heard.push([code, by?.version])
  const packs: Pack[] = []
  const holding = { ...engine(), send: (pack: Pack) => packs.push(pack) > 0 }
  route.serve(holding, SERVED, TERMS)
  const pinned = await route.pin()
  const asked = [pinned.predict(1), route.predict(1)]
  await expect.poll(() => packs.length).toBe(1)
  route.serve(engine(), { ...SERVED, version: '2.0.0' } as typeof SERVED, TERMS)
  // The other is sent as soon as the first is done.
  for (const pack of packs) {
    pack.done(1)
    for (const call of pack.calls) call.fail(new AfieldError('engine/run-failed', 'On purpose.'))
  }
  await Promise.allSettled(asked)
  expect(heard).toEqual([['engine/run-failed', '1.0.0']])
  await expect(pinned.predictMany([1], { top: 1 })).rejects.toMatchObject({ code: 'input/invalid' })
  expect(heard).toHaveLength(1)
})

test('many that all fail are heard of as one failure, but where the inputs are at fault or a stream asks', async () => {
  const route = new Route('m', undefined, CALLS)
  const heard: unknown[] = []
  route.onFailed = ({ code }, by) => heard.push([code, by?.version])
  const failing = (code: ErrorCode): ReturnType<typeof engine> => ({
    ...engine(),
    send: (pack) => {
      queueMicrotask(() => {
        pack.done(1)
        for (const call of pack.calls) call.fail(new AfieldError(code, 'On purpose.'))
      })
      return true
    },
  })
  route.serve(failing('engine/run-failed'), SERVED, TERMS)
  expect((await route.predictMany([1, 2])).failures).toHaveLength(2)
  expect(heard.splice(0)).toEqual([['engine/run-failed', '1.0.0']])
  await (await route.pin()).predictMany([1, 2])
  route.serve(failing('input/invalid'), SERVED, TERMS)
  await route.predictMany([1, 2])
  expect(heard).toEqual([])
})

test('what a stream asks is counted once, also where an engine dies of it, and another', async () => {
  const counted: unknown[] = []
  const counts: RouteCounts = {
    answered: () => counted.push('answered'),
    failed: (_served, code, times = 1) => counted.push([code, times]),
    reached: () => undefined,
  }
  const dying: ReturnType<typeof engine>[] = []
  const serveDying = (): void => {
    const next = { ...engine(), send: () => true }
    dying.push(next)
    route.serve(next, SERVED, TERMS)
  }
  let deaths = 0
  const route: Route = new Route('m', counts, {
    ...CALLS,
    recover: async () => {
      await Promise.resolve()
      if (deaths > 0) serveDying()
      else route.serve(engine(), SERVED, TERMS)
    },
  })
  const die = async (): Promise<void> => {
    await expect.poll(() => route.set?.running).toBe(1)
    deaths -= 1
    dying.shift()?.end(new AfieldError('engine/crashed', 'Out of memory.'))
  }
  const begin = (times: number): Promise<PinnedModel> => {
    deaths = times
    serveDying()
    return route.pin()
  }
  const once = (await begin(1)).predict(1)
  await die()
  expect(await once).toMatchObject({ modelVersion: '1.0.0' })
  const many = (await begin(1)).predictMany([1])
  await die()
  expect(await many).toMatchObject({ results: [{ index: 0 }] })
  expect(counted.splice(0)).toEqual(['answered', 'answered'])
  const twice = (await begin(2)).predict(1)
  twice.catch(() => undefined)
  await die()
  await die()
  await expect(twice).rejects.toMatchObject({ code: 'engine/crashed' })
  expect(counted).toEqual([['engine/crashed', 1]])
})

const OFF = new AfieldError('model/killed', 'Switched off.')

test('a stream that begins while the model is switched off holds on to nothing', async () => {
  const route = new Route('m', undefined, CALLS)
  const held = engine()
  route.serve(held, SERVED, TERMS)
  const pinning = route.pin()
  // The set is held by then, and the code of streams is not here yet.
  await Promise.resolve()
  await Promise.resolve()
  route.refuse(OFF)
  await expect(pinning).rejects.toBe(OFF)
  expect(await held.gone).toBeUndefined()
})

test('a call of a stream that is given up hears that, also where the model was switched off meanwhile', async () => {
  const route = new Route('m', undefined, CALLS)
  let isAsked = false
  const dying = { ...engine(), send: () => (isAsked = true) }
  route.serve(dying, SERVED, TERMS)
  const pinned = await route.pin()
  const giving = new AbortController()
  const given = pinned.predict(1, { signal: giving.signal })
  const kept = pinned.predict(1)
  await expect.poll(() => isAsked).toBe(true)
  route.refuse(OFF)
  giving.abort()
  await expect(given).rejects.toMatchObject({ code: 'aborted' })
  dying.end(new AfieldError('engine/crashed', 'Out of memory.'))
  await expect(kept).rejects.toBe(OFF)
})

test('what a fallback answers for a model that was asked is counted once, also where that cannot be loaded meanwhile', async () => {
  const counted = new Counted()
  const { monitor } = counted
  const route = new Route(
    SERVED.model,
    {
      answered: (...given) => monitor.answered(...given),
      failed: (...given) => monitor.failed(...given),
      reached: () => undefined,
    },
    CALLS,
  )
  const guard = new Guard({
    route,
    model: SERVED.model,
    throwIfClosed: () => undefined,
    load: () => Promise.reject(OFF),
    doubt: () => Promise.resolve(),
    fellBack: (...given) => monitor.fellBack(SERVED.model, ...given),
  })
  guard.fallBackTo(new Chain({ answer: { risk: 0.5 } }, undefined, () => undefined))
  let isAsked = false
  const dying = { ...engine(), send: () => (isAsked = true) }
  route.serve(dying, SERVED, TERMS)
  const asked = guard.predict(1)
  await expect.poll(() => isAsked).toBe(true)
  route.refuse(OFF)
  guard.missing(OFF)
  dying.end(new AfieldError('engine/crashed', 'Out of memory.'))
  expect(await asked).toMatchObject({ servedBy: 'constant' })
  expect(statsOf(monitor.of(SERVED.model), counted.now, NOTHING_AROUND)).toMatchObject({
    total: { count: 1, errors: 1 },
    fallback: { constant: 1 },
  })
})

describe('many whose engine dies after the team switched the model off', () => {
  /** Many that an engine has, of a model that was switched off meanwhile. */
  async function switchedOff(route: Route) {
    let isAsked = false
    const dying = { ...engine(), send: () => (isAsked = true) }
    route.serve(dying, SERVED, TERMS)
    const many = route.predictMany([1, 2])
    await expect.poll(() => isAsked).toBe(true)
    route.refuse(OFF)
    return { many, die: () => dying.end(new AfieldError('engine/crashed', 'Out of memory.')) }
  }

  test('fail together, as what is asked then does', async () => {
    const { many, die } = await switchedOff(new Route('m', undefined, CALLS))
    die()
    await expect(many).rejects.toBe(OFF)
  })

  test('are answered where it is on again by then', async () => {
    const route = new Route('m', undefined, CALLS)
    const { many, die } = await switchedOff(route)
    route.serve(engine({ risk: 0.5 }), SERVED, TERMS)
    die()
    expect(await many).toMatchObject({ results: [{ index: 0 }, { index: 1 }], failures: [] })
  })
})

test('a pool that is to be smaller is that at once, also where nothing is asked', async () => {
  const route = new Route('m', undefined, { ...CALLS, grow: () => Promise.resolve(engine()) })
  route.serve(engine(), SERVED, TERMS)
  await route.configure({ workers: 4 })
  await expect.poll(() => route.set?.members.length).toBe(4)
  await route.configure({ workers: 1 })
  await expect.poll(() => route.set?.members.length, { timeout: 3000 }).toBe(1)
})

test('once the app asks for WASM, or another set serves, no other backend is considered any more', async () => {
  const asked: unknown[] = []
  const consider: RouteCalls['consider'] = ({ backend }) => {
    asked.push(backend)
    return Promise.resolve(0)
  }
  const route = new Route('m', undefined, { ...CALLS, consider })
  const begin = async (): Promise<void> => {
    route.serve(engine(), SERVED, TERMS)
    await route.configure({ backend: 'webgpu' })
    await expect.poll(() => asked.splice(0)).toEqual(['webgpu'])
  }
  const isLeftAlone = async (): Promise<void> => {
    await route.predict(1)
    await new Promise((resolve) => setTimeout(resolve, 400))
    expect(asked.splice(0)).toEqual([])
  }
  await begin()
  await route.configure({ backend: 'wasm' })
  await isLeftAlone()
  await begin()
  const pinned = await route.pin()
  route.serve(engine(), { ...SERVED, backend: 'webgpu' }, TERMS)
  await pinned.predict(1)
  await isLeftAlone()
})

test('a shorter limit of time holds for what runs already', async () => {
  const route = new Route('m', undefined, CALLS)
  const ended: (string | undefined)[] = []
  let isAsked = false
  route.serve(
    { ...engine(), send: () => (isAsked = true), end: (error) => ended.push(error?.code) },
    SERVED,
    TERMS,
  )
  void route.predict(1)
  await expect.poll(() => isAsked).toBe(true)
  await route.configure({ hungAfterMs: 20 })
  await expect.poll(() => ended).toEqual(['engine/hung'])
})

test('an app that asks for WASM after all has no other backend looked after', async () => {
  const asked: string[] = []
  const route = new Route('m', undefined, {
    ...CALLS,
    consider: ({ backend }) => Promise.resolve(asked.push(backend)),
  })
  // Each run takes as long as pays for looking at another backend.
  const slow = engine()
  const send: typeof slow.send = (pack) => {
    queueMicrotask(() => {
      pack.done(1500)
      for (const call of pack.calls) call.settle({ outputs: {} })
    })
    return true
  }
  route.serve({ ...slow, send }, SERVED, TERMS)
  await route.predict(1)
  await expect.poll(() => asked).toEqual(['auto'])
  await route.configure({ backend: 'wasm' })
  await route.predict(1)
  await new Promise((resolve) => setTimeout(resolve, 400))
  expect(asked).toEqual(['auto'])
  await route.configure({ backend: 'webgpu' })
  await expect.poll(() => asked).toEqual(['auto', 'webgpu'])
})

test('what is said of a model holds for the streams that are pinned to what served before, too', async () => {
  const route = new Route('m', undefined, CALLS)
  const told: unknown[] = []
  const before: Member = {
    ...engine(),
    send: () => true,
    keepAnswers: (count) => told.push(count),
    end: (error) => told.push(error?.code),
  }
  route.serve(before, SERVED, TERMS)
  const pinned = await route.pin()
  route.serve(engine(), { ...SERVED, version: '2.0.0' } as typeof SERVED, TERMS)
  void pinned.predict(1)
  await route.configure({ cache: 7, hungAfterMs: 20 })
  await expect.poll(() => told).toEqual([7, 'engine/hung'])
})

test('code that cannot be loaded, such as after the app was deployed anew, is an error of ours', async () => {
  const gone = (): never => {
    throw new TypeError('Failed to fetch dynamically imported module')
  }
  for (const part of ['pinned', 'predict-many', 'serving-options']) {
    const file = `../../packages/sdk/dist/router/${part}.js`
    vi.doMock(file, gone)
    onTestFinished(() => vi.doUnmock(file))
  }
  vi.resetModules()
  const { Route: Anew } = await import('../../packages/sdk/dist/router/route.js')
  const route = new Anew('m', undefined, CALLS)
  route.serve(engine(), SERVED, TERMS)
  await expect(route.pin()).rejects.toMatchObject({ code: 'engine/unavailable' })
  await expect(route.predictMany([1])).rejects.toMatchObject({ code: 'engine/unavailable' })
  await expect(route.configure({ cache: 1 })).rejects.toMatchObject({ code: 'engine/unavailable' })
  expect(await route.predict(1)).toMatchObject({ modelVersion: '1.0.0' })
})
