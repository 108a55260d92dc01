import { AfieldError } from '@afield/protocol'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Engines } from '../../packages/sdk/dist/router/engines.js'
import { pageHost } from '../../packages/sdk/dist/router/page-host.js'
import { Route } from '../../packages/sdk/dist/router/route.js'
import { SERVED, TERMS } from './support/engines.js'

beforeEach(() => {
  class SilentWorker extends EventTarget {
    postMessage(): void {}
    terminate(): void {}
  }
  vi.stubGlobal('Worker', SilentWorker)
  vi.stubGlobal('location', { href: 'https://app.example/', origin: 'null' })
})

afterEach(() => void vi.unstubAllGlobals())

test('of a pool that lost the engine by which the keeper names it, the keeper names the others', async () => {
  const engines = new Engines(
    () => undefined,
    () => undefined,
  )
  const route = new Route('m', undefined, {} as never)
  const host = pageHost({ engines, route: async () => route, isClosing: () => false } as never)
  const before = engines.start()
  const first = engines.start()
  const second = engines.start()
  const old = { ...SERVED, version: '0.9.0' } as typeof SERVED
  await host.serve('m', before.id, old, TERMS)
  const pinned = await route.pin()
  await host.serve('m', first.id, SERVED, TERMS)
  route.set?.add(second)
  first.end(new AfieldError('engine/crashed', 'On purpose.'))
  await expect.poll(() => route.set?.members).toEqual([second])
  await host.serve('m', first.id, SERVED, { ...TERMS, withdrawn: [old.version] })
  await expect(pinned.predict(1)).rejects.toMatchObject({ code: 'model/revoked' })
  host.closeEngine(first.id)
  expect(route.set).toBeUndefined()
})
