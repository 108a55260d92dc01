import { AfieldError } from '@afield/protocol'
import { expect, test } from 'vitest'
import { Route } from '../../packages/sdk/dist/router/route.js'
import { SERVED, TERMS, engine } from './support/engines.js'

/** A route whose engine died while nothing was asked, and that gets another when it is told to. */
async function deadRoute(
  maxQueue: number,
): Promise<{ route: Route; revive: () => void; asked: () => number }> {
  let recoveries = 0
  let revive = (): void => undefined
  const route: Route = new Route('m', undefined, {
    recover: () =>
      new Promise((resolve) => {
        recoveries += 1
        revive = () => {
          route.serve(engine(), SERVED, TERMS)
          resolve()
        }
      }),
    demote: () => Promise.reject(new Error('WASM is served')),
    grow: () => Promise.resolve(undefined),
    consider: () => Promise.resolve(Infinity),
  })
  await route.configure({ maxQueue })
  const first = engine()
  route.serve(first, SERVED, TERMS)
  first.end(new AfieldError('engine/crashed', 'Ended by the test.'))
  await expect.poll(() => route.set).toBeUndefined()
  return { route, revive: () => revive(), asked: () => recoveries }
}

test('where nothing may wait, an engine that died is replaced all the same', async () => {
  const { route, revive, asked } = await deadRoute(0)
  const first = route.predict(1)
  await expect(route.predict(2)).rejects.toMatchObject({ code: 'engine/overloaded' })
  expect(asked()).toBe(1)
  revive()
  expect(await first).toMatchObject({ modelVersion: '1.0.0' })
  expect(await route.predict(3)).toMatchObject({ modelVersion: '1.0.0' })
})

test('given up while an engine comes back, a prediction leaves the place to another', async () => {
  const { route, revive } = await deadRoute(1)
  const giving = new AbortController()
  const given = [1, 2].map((input) => route.predict(input, { signal: giving.signal }))
  giving.abort()
  for (const one of given) await expect(one).rejects.toMatchObject({ code: 'aborted' })
  const others = [3, 4].map((input) => route.predict(input))
  revive()
  expect(await Promise.all(others)).toHaveLength(2)
})

test('an engine that dies before the keeper has said that it is there is replaced too', async () => {
  const dying = engine()
  const said: (() => void)[] = []
  const route: Route = new Route('m', undefined, {
    recover: () => {
      const next = said.length === 0 ? dying : engine()
      queueMicrotask(() => route.serve(next, SERVED, TERMS))
      return new Promise((resolve) => said.push(resolve))
    },
    demote: () => Promise.reject(new Error('WASM is served')),
    grow: () => Promise.resolve(undefined),
    consider: () => Promise.resolve(Infinity),
  })
  expect(await route.predict(1)).toMatchObject({ modelVersion: '1.0.0' })
  dying.end(new AfieldError('engine/crashed', 'Ended by the test.'))
  await expect.poll(() => route.set).toBeUndefined()
  const next = route.predict(2)
  said[0]?.()
  expect(await next).toMatchObject({ modelVersion: '1.0.0' })
  expect(said).toHaveLength(2)
})
