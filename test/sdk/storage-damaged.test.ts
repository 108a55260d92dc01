import { AfieldError } from 'afield'
import { memoryStorage, type DeviceStorage } from 'afield/node'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { copyStorage, loadedDevice, servedVersion, startDevice } from './support/devices.js'
import { keepJournal } from './support/journal.js'
import { MODEL, makeRepository, type TestRepository } from './support/repository.js'
import { distortingStore, flipBit, refusingStore } from './support/stores.js'

let repository: TestRepository
/** Of a device that serves 1.0.0. */
let healthy: DeviceStorage
let chunk: string
let descriptor: string

beforeAll(async () => {
  repository = await makeRepository(['1.0.0'])
  healthy = (await loadedDevice(repository)).storage
  const keys = await healthy.blobs.keys()
  const requests = repository.requests()
  const stored = (room: string): string =>
    keys.find((key) => requests.some((path) => path.startsWith(room) && path.includes(key))) ?? ''
  chunk = stored('chunks/')
  descriptor = stored('descriptors/')
})

beforeEach(() => repository.server.clearRequests())

interface Damage {
  readonly what: string
  readonly room: keyof DeviceStorage
  readonly key: () => string
  readonly to: (value: unknown) => unknown
  /** What the device must fetch anew; nothing at all where it is empty. */
  readonly fetched: readonly RegExp[]
}

const manifestWith = (field: string) => (value: unknown) => {
  const manifest = value as Record<string, unknown>
  return { ...manifest, [field]: flipBit(manifest[field]) }
}
const foreign = () => 'what another script wrote here'
const chunkKey = () => chunk
const descriptorKey = () => descriptor
const manifestKey = () => 'manifest'

const DAMAGES: readonly Damage[] = [
  { what: 'a chunk, one bit', room: 'blobs', key: chunkKey, to: flipBit, fetched: [/^chunks\//] },
  { what: 'a chunk, cut', room: 'blobs', key: chunkKey, to: () => new Uint8Array(3), fetched: [/^chunks\//] },
  { what: 'a chunk, of another type', room: 'blobs', key: chunkKey, to: foreign, fetched: [/^chunks\//] },
  {
    what: 'a descriptor, one bit',
    room: 'blobs',
    key: descriptorKey,
    to: flipBit,
    fetched: [/^descriptors\//],
  },
  {
    what: 'a descriptor, of another type',
    room: 'blobs',
    key: descriptorKey,
    to: foreign,
    fetched: [/^descriptors\//],
  },
  {
    what: 'the manifest, of another type',
    room: 'state',
    key: manifestKey,
    to: foreign,
    fetched: [/^metadata\//],
  },
  {
    what: 'its timestamp',
    room: 'state',
    key: manifestKey,
    to: manifestWith('timestamp'),
    fetched: [/^metadata\//],
  },
  {
    what: 'its snapshot',
    room: 'state',
    key: manifestKey,
    to: manifestWith('snapshot'),
    fetched: [/^metadata\//],
  },
  {
    what: 'its documents',
    room: 'state',
    key: manifestKey,
    to: (value) => ({ ...(value as object), documents: { [`models/${MODEL}.json`]: new Uint8Array(2) } }),
    fetched: [/^targets\/models\//],
  },
  {
    what: 'the record of the model',
    room: 'state',
    key: () => `model/${MODEL}`,
    to: foreign,
    fetched: [],
  },
  {
    what: 'the assignment to a rollout',
    room: 'state',
    key: () => `model/${MODEL}`,
    to: (value) => ({ ...(value as object), assignment: { epoch: 'first', admitted: 'yes' } }),
    fetched: [],
  },
  {
    what: 'the record of a trial',
    room: 'state',
    key: () => `model/${MODEL}`,
    to: (value) => ({ ...(value as object), trial: { version: '1.0.0', descriptor: '../../etc' } }),
    fetched: [],
  },
  { what: 'the id of the device', room: 'state', key: () => 'device', to: () => 7, fetched: [] },
]

async function damagedStorage({ room, key, to }: Damage): Promise<DeviceStorage> {
  const storage = await copyStorage(healthy)
  const value = await storage[room].get(key())
  expect(value).toBeDefined()
  await storage[room].write(new Map([[key(), to(value)]]))
  return storage
}

describe('damaged on the device', () => {
  test.each(DAMAGES)(
    '$what: the model serves, with a warning, and all is well the next time',
    async (damage) => {
      const journal = keepJournal()
      const storage = await damagedStorage(damage)
      const { device } = await loadedDevice(repository, { storage, ...journal })
      expect(await servedVersion(device)).toBe('1.0.0')
      expect(journal.warnings()).not.toEqual([])
      const requests = repository.requests()
      expect(requests.length > 0).toBe(damage.fetched.length > 0)
      for (const path of damage.fetched) expect(requests).toContainEqual(expect.stringMatching(path))
      await device.close()

      repository.server.clearRequests()
      const later = keepJournal()
      const next = await loadedDevice(repository, { storage, ...later })
      expect(await servedVersion(next.device)).toBe('1.0.0')
      expect(later.warnings()).toEqual([])
      expect(repository.requests()).toEqual([])
    },
  )

  test.each(DAMAGES.filter(({ fetched }) => fetched.length > 0))(
    '$what, without a network: an error, and nothing unverified runs',
    async (damage) => {
      const storage = await damagedStorage(damage)
      repository.server.fault('/**', { kind: 'refuse' })
      try {
        await expect(startDevice(repository, { storage }).load(MODEL)).rejects.toMatchObject({
          code: expect.stringMatching(/^(manifest|chunk)\/unavailable$/),
        })
      } finally {
        repository.server.clearFaults()
      }
    },
  )

  test('a damaged candidate gives way to the version before it, without a network', async () => {
    const own = await makeRepository(['1.0.0'])
    const { device, storage } = await loadedDevice(own)
    const before = new Set(await storage.blobs.keys())
    await own.publish('2.0.0')
    await device.check()
    for (const key of await storage.blobs.keys()) {
      if (!before.has(key)) await storage.blobs.write(new Map([[key, new Uint8Array(5)]]))
    }
    await own.server.stop()
    const next = await loadedDevice(own, { storage })
    expect(await servedVersion(next.device)).toBe('1.0.0')
    expect(await next.device.explain(MODEL)).toMatchObject({ reason: 'last-good' })
  })
})

describe('a value that the browser cannot read', () => {
  /** Until it is written anew. */
  const unreadable = ({ state, blobs }: DeviceStorage, lost: Set<string>): DeviceStorage => ({
    state,
    blobs: {
      ...blobs,
      get: (key) =>
        lost.has(key)
          ? Promise.reject(new AfieldError('storage/unavailable', 'Failed to read large IndexedDB value'))
          : blobs.get(key),
      write: async (changes) => {
        await blobs.write(changes)
        for (const key of changes.keys()) lost.delete(key)
      },
    },
  })

  test.each([
    ['a chunk', chunkKey],
    ['a descriptor', descriptorKey],
  ])('%s: it is fetched anew and all is well the next time', async (_, key) => {
    const copy = await copyStorage(healthy)
    const journal = keepJournal()
    const storage = unreadable(copy, new Set([key()]))
    const { device } = await loadedDevice(repository, { storage, ...journal })
    expect(await servedVersion(device)).toBe('1.0.0')
    expect(journal.warnings()).toContain('A stored chunk is damaged and is fetched anew.')
    await device.close()
    repository.server.clearRequests()
    await loadedDevice(repository, { storage })
    expect(repository.requests()).toEqual([])
  })

  test('gives way to the version before it, without a network', async () => {
    const own = await makeRepository(['1.0.0'])
    const { device, storage } = await loadedDevice(own)
    const before = new Set(await storage.blobs.keys())
    await own.publish('2.0.0')
    await device.check()
    const lost = new Set((await storage.blobs.keys()).filter((key) => !before.has(key)))
    await own.server.stop()
    const next = await loadedDevice(own, { storage: unreadable(storage, lost) })
    expect(await servedVersion(next.device)).toBe('1.0.0')
  })
})

describe('a store that gives back damaged bytes, whatever it is given', () => {
  test('costs a second download, and the model serves from memory', async () => {
    const { state, blobs } = memoryStorage()
    const journal = keepJournal()
    const storage = { state, blobs: distortingStore(blobs, flipBit) }
    const { device } = await loadedDevice(repository, { storage, ...journal })
    expect(await servedVersion(device)).toBe('1.0.0')
    expect(repository.requests().filter((path) => path.startsWith('chunks/'))).toHaveLength(2)
    expect(journal.warnings()).toContain('A stored chunk is damaged and is fetched anew.')
  })

  test('and takes no writes either', async () => {
    const { state, blobs } = healthy
    const storage = { state: refusingStore(state), blobs: refusingStore(distortingStore(blobs, flipBit)) }
    const { device } = await loadedDevice(repository, { storage })
    expect(await servedVersion(device)).toBe('1.0.0')
  })
})

describe('a forged record of the right shape', () => {
  const forged = async (forge: (record: object) => object): Promise<DeviceStorage> => {
    const storage = await copyStorage(healthy)
    const key = `model/${MODEL}`
    await storage.state.write(new Map([[key, forge((await storage.state.get(key)) as object)]]))
    return storage
  }

  test('cannot make an unsigned version serve', async () => {
    const evil = { version: '6.6.6', descriptor: 'e'.repeat(64) }
    const storage = await forged((record) => ({
      ...record,
      assignment: { epoch: 9, seed: 'mine', admitted: true },
      current: evil,
      previous: evil,
      selfTested: [evil.descriptor],
    }))
    const { device } = await loadedDevice(repository, { storage })
    expect(await servedVersion(device)).toBe('1.0.0')
  })

  test('costs at most a strike where it speaks of a trial that never was', async () => {
    const trial = { version: '1.0.0', descriptor: descriptor, life: 'nobody' }
    const storage = await forged((record) => ({ ...record, trial }))
    const { device } = await loadedDevice(repository, { storage })
    expect(await servedVersion(device)).toBe('1.0.0')
    expect(await device.explain(MODEL)).toMatchObject({ failures: [] })
  })
})
