import { AfieldError } from '@afield/protocol'
import { memoryStorage } from 'afield/node'
import { afterEach, expect, test, vi } from 'vitest'
import { accelerate } from '../../packages/sdk/dist/engine/accelerate.js'
import { ModelRecords } from '../../packages/sdk/dist/keeper/activation/record.js'
import { Serving } from '../../packages/sdk/dist/keeper/activation/serving.js'
import { localLocks } from '../../packages/sdk/dist/keeper/adapters/memory.js'
import { Considering } from '../../packages/sdk/dist/keeper/engines/consider.js'
import { grow } from '../../packages/sdk/dist/keeper/engines/grow.js'
import { Verdicts, type Tried } from '../../packages/sdk/dist/keeper/engines/verdicts.js'
import type { Engine, Ports } from '../../packages/sdk/dist/keeper/ports.js'
import type { Rooms } from '../../packages/sdk/dist/keeper/rooms.js'
import { pageHost, type PageHostOptions } from '../../packages/sdk/dist/router/page-host.js'
import { DAY, TestClock } from './support/clock.js'
import { SERVED, TERMS } from './support/engines.js'

const MINUTE = 60_000
const HASH = 'a'.repeat(64)
const TRIED = { descriptor: HASH, backend: 'webgpu', on: 'gpu ort browser' } as Tried
const ARTIFACT = { backends: ['wasm', 'webgpu'], files: [] }
const DESCRIPTOR = { artifacts: [ARTIFACT], contract: {}, runtime: { operators: [] }, version: '1.0.0' }

afterEach(() => void vi.unstubAllGlobals())

/** A keeper on which one version serves, as far as engines beside the first need one. */
function serving(load: Engine['load'], clock = new TestClock()) {
  const closed: number[] = []
  const activator = {
    model: 'm',
    running: {
      served: SERVED,
      descriptor: HASH,
      engine: { id: 1 },
      terms: { engine: { build: 'plain' }, standsIn: true },
    },
    releaseOf: () => ({}),
    options: {
      fetcher: {
        describe: () => Promise.resolve(DESCRIPTOR),
        stored: () => Promise.resolve({ artifact: ARTIFACT, descriptor: DESCRIPTOR, files: {} }),
      },
    },
  }
  const ports = {
    state: memoryStorage().state,
    clock,
    locks: localLocks(),
    log: () => undefined,
    platform: { runtime: 'ort', browserBuild: 'browser' },
    hardware: {
      build: 'jspi',
      findGpu: () => Promise.resolve({ name: 'gpu', features: [], limits: {} }),
    },
    host: { openEngine: () => Promise.resolve({ id: 2, load, close: () => closed.push(2) }) },
  } as unknown as Ports
  const rooms = { routes: { get: () => activator } } as unknown as Rooms
  return { activator, closed, ports, rooms }
}

test('a backend that waited for its turn is not judged by the version that took over meanwhile', async () => {
  const wrong = new AfieldError('model/self-test-failed', 'It disagrees.')
  const { activator, ports, rooms } = serving(() => Promise.reject(wrong))
  const verdicts = new Verdicts(ports, 'life')
  let goOn = (): void => undefined
  const elsewhere = ports.locks.hold('backend', () => new Promise<void>((resolve) => (goOn = resolve)))
  const considering = new Considering(ports, rooms, verdicts)
  const considered = considering.consider('m', { inferenceMs: 1, together: 1, backend: 'webgpu' })
  await new Promise((resolve) => setTimeout(resolve, 10))
  activator.running = { ...activator.running, descriptor: 'b'.repeat(64), engine: { id: 3 } }
  goOn()
  await elsewhere
  expect(await considered).toBeLessThan(Infinity)
  expect(await verdicts.find(TRIED)).toBeUndefined()
})

test('a GPU that could not be had when it was asked for is tried again a day later', async () => {
  const adapter = {
    features: new Set(),
    limits: {},
    requestDevice: () => Promise.reject(new DOMException('A valid external Instance', 'OperationError')),
  }
  vi.stubGlobal('navigator', { gpu: { requestAdapter: () => Promise.resolve(adapter) } })
  const clock = new TestClock()
  const { ports, rooms } = serving(() => accelerate('webgpu').then(() => ({}) as never), clock)
  const verdicts = new Verdicts(ports, 'life')
  const considering = new Considering(ports, rooms, verdicts)
  await considering.consider('m', { inferenceMs: 1, together: 1, backend: 'webgpu' })
  expect(await verdicts.find(TRIED)).toMatchObject({ outcome: 'lost', why: 'device-lost' })
  clock.advance(DAY)
  expect(await verdicts.find(TRIED)).toBeUndefined()
})

test('a version that is relabelled while a backend is tried goes on on it as what it is by then', async () => {
  const { activator, ports, rooms } = serving(() => Promise.resolve({ backend: 'webgpu' } as never))
  const moved: unknown[] = []
  const measure = (): Promise<number> => {
    // Another version was meant for this device until now.
    activator.running = { ...activator.running, terms: { ...activator.running.terms, standsIn: false } }
    return Promise.resolve(1)
  }
  Object.assign(activator, { serving: { move: (...given: unknown[]) => Promise.resolve(moved.push(given)) } })
  Object.assign(rooms.routes, { turn: (_: unknown, work: () => unknown) => work() })
  const engine = await ports.host.openEngine({} as never)
  Object.assign(ports.host, {
    emit: () => undefined,
    openEngine: () => Promise.resolve({ ...engine, measure }),
  })
  const considering = new Considering(ports, rooms, new Verdicts(ports, 'life'))
  await considering.consider('m', { inferenceMs: 1, together: 1, backend: 'webgpu' })
  expect(moved).toEqual([
    [expect.anything(), expect.anything(), expect.objectContaining({ standsIn: false })],
  ])
})

test.each([
  ['rested, is tried again in a page that lives on', 'engine/device-lost', 2],
  ['was wrong, is not asked about any more', 'model/self-test-failed', 1],
] as const)('a backend that %s', async (_what, code, trials) => {
  const clock = new TestClock()
  let tried = 0
  const failing = (): Promise<never> => {
    tried += 1
    return Promise.reject(new AfieldError(code, 'It failed.'))
  }
  const { ports, rooms } = serving(failing, clock)
  const considering = new Considering(ports, rooms, new Verdicts(ports, 'life'))
  // As the page asks: not before it worked for as long as it was told.
  for (let inferenceMs = 1000; inferenceMs < 100_000;) {
    inferenceMs += await considering.consider('m', { inferenceMs, together: 1, backend: 'webgpu' })
    clock.advance(DAY / 4)
  }
  expect(tried).toBe(trials)
})

test.each([
  ['wasm', 1],
  ['webnn', 1],
  ['webgpu', 0],
  ['auto', 0],
] as const)('what serves on WebGPU while the app asks for %s gives way %i times', async (backend, times) => {
  const { activator, ports, rooms } = serving(() => new Promise(() => undefined))
  const served = { ...SERVED, backend: 'webgpu' } as const
  activator.running = { ...activator.running, served }
  const recovered: string[] = []
  const recover = (route: string): Promise<void> => {
    recovered.push(route)
    activator.running = { ...activator.running, served: SERVED }
    return Promise.resolve()
  }
  const told: unknown[] = []
  const host = { ...ports.host, emit: (event: unknown) => void told.push(event) }
  const considering = new Considering(
    { ...ports, host },
    { ...rooms, loading: { recover } } as unknown as Rooms,
    new Verdicts(ports, 'life'),
  )
  await considering.consider('m', { inferenceMs: 1, together: 1, backend })
  expect(recovered).toHaveLength(times)
  expect(told).toHaveLength(times)
  for (const event of told)
    expect(event).toMatchObject({ backend: 'wasm', previous: 'webgpu', reason: 'asked' })
})

test('a backend whose engine is lost before it is its turn does not serve, and nobody says so', async () => {
  const alive = new Set([1, 2])
  const events: string[] = []
  const facts = (id: number) => ({ backend: id === 1 ? 'wasm' : 'webgpu', build: 'plain', threads: 1 })
  const opened = (id: number) => ({
    id,
    load: () => Promise.resolve(facts(id)),
    measure: () => Promise.resolve(id === 1 ? 10 : 1),
    close: () => alive.delete(id),
  })
  const { activator, ports, rooms } = serving(() => new Promise(() => undefined))
  const host = {
    openEngine: ({ role }: { readonly role: string }) => Promise.resolve(opened(role === 'serving' ? 1 : 2)),
    serve: (_route: string, id: number) => Promise.resolve(alive.has(id)),
    emit: ({ type }: { readonly type: string }) => events.push(type),
  }
  const all = { ...ports, host } as unknown as Ports
  const running = new Serving(all, {
    route: 'm',
    model: 'm',
    life: 'life',
    records: new ModelRecords(all),
    sweep: () => Promise.resolve(),
    count: () => undefined,
  })
  const stored = { artifact: { ...ARTIFACT, variant: 'fp32' }, descriptor: DESCRIPTOR, files: {} }
  const release = { descriptor: { sha256: HASH, size: 1 }, created: '' }
  const terms = { standsIn: false, withdrawn: [] }
  await running.activate(SERVED, release as never, stored as never, terms)
  const taken = {
    ...activator,
    serving: running,
    get running() {
      return running.running
    },
  }
  const routes = {
    get: () => taken,
    turn: (_activator: unknown, work: () => Promise<unknown>) => {
      alive.delete(2)
      return work()
    },
  }
  const verdicts = new Verdicts(all, 'life')
  const considering = new Considering(all, { ...rooms, routes } as unknown as Rooms, verdicts)
  const again = await considering.consider('m', { inferenceMs: 1, together: 1, backend: 'webgpu' })
  expect(again).toBeLessThan(Infinity)
  expect(running.running?.served.backend).toBe('wasm')
  expect(events).toEqual(['update'])
  expect(await verdicts.find(TRIED)).toBeUndefined()
})

test('a page that has lost an engine says that it does not serve', async () => {
  const engines = { get: (id: number) => (id === 1 ? {} : undefined) }
  const taken: unknown[] = []
  const route = () => Promise.resolve({ serve: (engine: unknown) => taken.push(engine) })
  const host = pageHost({ engines, route, isClosing: () => false } as unknown as PageHostOptions)
  expect(await host.serve('m', 1, SERVED, TERMS)).toBe(true)
  expect(await host.serve('m', 2, SERVED, TERMS)).toBe(false)
  expect(taken).toEqual([{}])
})

test('an app is asked about a runtime only where something would come of it', async () => {
  const { ports, rooms } = serving(() => Promise.reject(new AfieldError('engine/device-lost', 'It went.')))
  let asked = 0
  const host = { ...ports.host, askDownload: () => Promise.resolve((asked += 1) > 0) }
  const rules = { downloads: 'ask', maxDownloadBytes: undefined } as const
  const considering = new Considering({ ...ports, host }, { ...rooms, rules }, new Verdicts(ports, 'life'))
  for (let i = 0; i < 3; i++) {
    await considering.consider('m', { inferenceMs: 10_000, together: 1, backend: 'auto' })
  }
  expect(asked).toBe(1)
})

test('an engine that was tried is ended also where what it took cannot be remembered', async () => {
  const { closed, ports, rooms } = serving(() => Promise.resolve({ backend: 'webgpu' } as never))
  const gone = new AfieldError('storage/unavailable', 'The user cleared it.')
  const engine = await ports.host.openEngine({} as never)
  const measure = (): Promise<number> => {
    Object.assign(ports.state, { get: () => Promise.reject(gone) })
    return Promise.resolve(1)
  }
  Object.assign(ports.host, { openEngine: () => Promise.resolve({ ...engine, measure }) })
  const considering = new Considering(ports, rooms, new Verdicts(ports, 'life'))
  const considered = considering.consider('m', { inferenceMs: 1, together: 1, backend: 'webgpu' })
  await expect(considered).rejects.toBe(gone)
  expect(closed).toEqual([2])
})

test('an engine for a pool that hangs while it loads is ended', async () => {
  const clock = new TestClock()
  const { closed, ports, rooms } = serving(() => new Promise(() => undefined), clock)
  const grown = grow(ports, rooms, 'm').catch((error: unknown) => error)
  await new Promise((resolve) => setTimeout(resolve, 10))
  clock.advance(3 * MINUTE)
  expect(await grown).toMatchObject({ code: 'engine/crashed' })
  expect(closed).toEqual([2])
})
