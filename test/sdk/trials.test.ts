import { memoryStorage, type DeviceStorage } from 'afield/node'
import { beforeEach, describe, expect, test } from 'vitest'
import { AfieldError } from '@afield/protocol'
import { localLocks } from '../../packages/sdk/dist/keeper/adapters/memory.js'
import { ModelRecords } from '../../packages/sdk/dist/keeper/activation/record.js'
import { Trials, type Staged } from '../../packages/sdk/dist/keeper/activation/trials.js'
import type { Ports } from '../../packages/sdk/dist/keeper/ports.js'
import { DAY, TestClock } from './support/clock.js'
import { loadedDevice, servedVersion, startDevice } from './support/devices.js'
import { MODEL, makeRepository, type TestRepository } from './support/repository.js'
import { mortalStorage } from './support/stores.js'

let repository: TestRepository
let storage: DeviceStorage
let clock: TestClock

/** A device that serves 1.0.0, and 2.0.0 is out. */
beforeEach(async () => {
  repository = await makeRepository(['1.0.0'])
  clock = new TestClock()
  const first = await loadedDevice(repository, { clock })
  storage = first.storage
  await first.device.close()
  await repository.publish('2.0.0')
})

/** A visit that ends with the page's death while 2.0.0 is on trial; returns what the page was called. */
async function dieTrying(forgiven: readonly string[] = []): Promise<string> {
  const mortal = mortalStorage(storage, (changes) => hasTrial(changes.get(`model/${MODEL}`)))
  const device = startDevice(repository, { storage: mortal.storage, clock })
  const life = device.keeper
    .adoptMarks({ closedLives: forgiven, observations: [] })
    .then(() => device.load(MODEL))
    .then(() => device.check())
  await Promise.race([mortal.death, life])
  const record = (await storage.state.get(`model/${MODEL}`)) as { readonly trial?: { readonly life: string } }
  if (!record.trial) throw new Error('The page did not die during a trial.')
  return record.trial.life
}

function hasTrial(record: unknown): boolean {
  return typeof record === 'object' && record !== null && 'trial' in record && record.trial !== undefined
}

describe('a page that dies while it tries a version', () => {
  test('once: the version is tried again at the next visit, and forgiven when it works', async () => {
    await dieTrying()
    const { device } = await loadedDevice(repository, { storage, clock })
    expect(await servedVersion(device)).toBe('2.0.0')
    expect(await storage.state.get(`model/${MODEL}`)).toMatchObject({ strikes: {}, failures: [] })
  })

  test('twice: the version counts as failed here, and the one before it serves', async () => {
    await dieTrying()
    await dieTrying()
    const { device } = await loadedDevice(repository, { storage, clock })
    expect(await servedVersion(device)).toBe('1.0.0')
    expect(await device.explain(MODEL)).toMatchObject({
      failures: [{ version: '2.0.0', code: 'engine/crashed', until: clock.now() + DAY }],
      sentence: expect.stringContaining(
        '2.0.0 failed here: The page died 2 times while trying this version.',
      ),
    })
    await device.check()
    expect(await servedVersion(device)).toBe('1.0.0')
  })

  test('twice: it is tried once more after 24 hours', async () => {
    await dieTrying()
    await dieTrying()
    await loadedDevice(repository, { storage, clock })
    clock.advance(DAY - 1)
    expect(await servedVersion((await loadedDevice(repository, { storage, clock })).device)).toBe('1.0.0')
    clock.advance(1)
    expect(await servedVersion((await loadedDevice(repository, { storage, clock })).device)).toBe('2.0.0')
  })

  test('a third time, a day later: it rests again at once', async () => {
    await dieTrying()
    await dieTrying()
    await loadedDevice(repository, { storage, clock })
    clock.advance(DAY)
    await dieTrying()
    const { device } = await loadedDevice(repository, { storage, clock })
    expect(await servedVersion(device)).toBe('1.0.0')
  })
})

describe('a page that was closed or hidden, and said so', () => {
  test('is forgiven, however often', async () => {
    let life = await dieTrying()
    for (let i = 0; i < 3; i++) life = await dieTrying([life])
    const device = startDevice(repository, { storage, clock })
    await device.keeper.adoptMarks({ closedLives: [life], observations: [] })
    await device.load(MODEL)
    expect(await servedVersion(device)).toBe('2.0.0')
  })

  test("does not excuse another page's death", async () => {
    await dieTrying()
    await dieTrying(['some other page'])
    const device = startDevice(repository, { storage, clock })
    await device.keeper.adoptMarks({ closedLives: ['yet another'], observations: [] })
    await device.load(MODEL)
    expect(await servedVersion(device)).toBe('1.0.0')
  })

  test('is heard also when the load is already on its way', async () => {
    await dieTrying()
    const life = await dieTrying()
    const device = startDevice(repository, { storage, clock })
    const adopted = device.keeper.adoptMarks({ closedLives: [life], observations: [] })
    await Promise.all([adopted, device.load(MODEL)])
    expect(await servedVersion(device)).toBe('2.0.0')
  })
})

test('an engine that proved itself is ended where that cannot be written down, since it does not serve', async () => {
  const closed: number[] = []
  const gone = new AfieldError('storage/unavailable', 'The user cleared it.')
  const { state } = memoryStorage()
  const load = () => Promise.resolve(Object.assign(state, { get: () => Promise.reject(gone) }))
  const ports = {
    clock,
    state,
    locks: localLocks(),
    platform: {},
    host: { openEngine: () => Promise.resolve({ id: 1, load, close: () => closed.push(1) }) },
  } as unknown as Ports
  const records = new ModelRecords(ports)
  const trials = new Trials(ports, records, MODEL, 'life')
  await expect(trials.run({ version: {} } as Staged)).rejects.toBe(gone)
  expect(closed).toEqual([1])
})
