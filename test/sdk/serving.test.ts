import type { Release } from '@afield/protocol'
import { memoryStorage } from 'afield/node'
import { expect, test } from 'vitest'
import type { StoredVersion } from '../../packages/sdk/dist/keeper/activation/fetcher.js'
import { ModelRecords } from '../../packages/sdk/dist/keeper/activation/record.js'
import { Serving, type ServingOptions } from '../../packages/sdk/dist/keeper/activation/serving.js'
import { localLocks } from '../../packages/sdk/dist/keeper/adapters/memory.js'
import type { Ports } from '../../packages/sdk/dist/keeper/ports.js'
import { TestClock } from './support/clock.js'
import { SERVED } from './support/engines.js'

test('an engine that is lost while its version gets another label does not run afterwards', async () => {
  let serve = (): Promise<void> => Promise.resolve()
  const engine = { id: 1, load: () => Promise.resolve({}), close: () => undefined }
  const ports = {
    clock: new TestClock(),
    state: memoryStorage().state,
    locks: localLocks(),
    log: () => undefined,
    platform: {},
    host: { emit: () => undefined, openEngine: () => Promise.resolve(engine), serve: () => serve() },
  } as unknown as Ports
  const options = { records: new ModelRecords(ports), count: () => undefined, sweep: async () => undefined }
  const serving = new Serving(ports, options as unknown as ServingOptions)
  const release = { descriptor: { sha256: 'a' } } as unknown as Release
  const stored = { artifact: { files: [] }, descriptor: { runtime: {} } } as unknown as StoredVersion
  const on = { standsIn: false, withdrawn: [] }
  expect(await serving.activate(SERVED, release, stored, on)).toBe(true)
  await serving.relabel({ ...SERVED, step: 1 }, on)
  expect(serving.running).toMatchObject({ served: { step: 1 }, engine })
  let served = (): void => undefined
  serve = () => new Promise((resolve) => (served = resolve))
  const labelled = serving.relabel({ ...SERVED, step: 2 }, on)
  serving.close()
  served()
  await labelled
  expect(serving.running).toBeUndefined()
})
