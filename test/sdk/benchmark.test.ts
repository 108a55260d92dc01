import { invalidInput } from '@afield/protocol'
import { expect, test } from 'vitest'
import type { GoldenQuestion } from '../../packages/sdk/dist/keeper/catalogue.js'
import type { Member } from '../../packages/sdk/dist/router/member.js'
import { benchmark } from '../../packages/sdk/dist/router/benchmark.js'
import { Route } from '../../packages/sdk/dist/router/route.js'
import { SERVED, TERMS, engine } from './support/engines.js'

const NEXT = { ...SERVED, version: '2.0.0' } as typeof SERVED

/** An engine that takes no other field than this. */
function engineFor(field: string): Member {
  return {
    ...engine(),
    send: (pack) => {
      queueMicrotask(() => {
        pack.done(1)
        for (const call of pack.calls) {
          const { golden } = call.asked as { readonly golden: object }
          call.settle(field in golden ? { outputs: {} } : invalidInput(field, 'missing', 'is missing'))
        }
      })
      return true
    },
  }
}

const golden = (of: typeof SERVED, field: string): GoldenQuestion =>
  ({ golden: { [field]: 1 }, of }) as unknown as GoldenQuestion

test('a version that takes over while the golden vector is read is not asked for another one', async () => {
  const route = new Route('m', undefined, {} as never)
  route.serve(engineFor('hours'), SERVED, TERMS)
  let read = 0
  const report = await benchmark(route, { samples: 3 }, () => {
    if (read++ > 0) return Promise.resolve(golden(NEXT, 'days'))
    route.serve(engineFor('days'), NEXT, TERMS)
    return Promise.resolve(golden(SERVED, 'hours'))
  })
  expect(report).toMatchObject({ modelVersion: '2.0.0', samples: 3, input: 'golden' })
  expect(read).toBe(2)
})
