import { memoryStorage, type DeviceStorage } from 'afield/node'
import { beforeEach, describe, expect, test } from 'vitest'
import { loadedDevice, servedVersion, startDevice } from './support/devices.js'
import { keepJournal, type Journal } from './support/journal.js'
import { MODEL, makeRepository, type TestRepository } from './support/repository.js'
import { refusingStore } from './support/stores.js'

let repository: TestRepository
let journal: Journal

beforeEach(async () => {
  repository = await makeRepository(['1.0.0'])
  journal = keepJournal()
})

const chunksFetched = (): number => repository.requests().filter((path) => path.startsWith('chunks/')).length

describe('no room for models', () => {
  let storage: DeviceStorage

  beforeEach(() => {
    const { state, blobs } = memoryStorage()
    storage = { state, blobs: refusingStore(blobs) }
  })

  test('this visit serves from memory, and says so', async () => {
    const { device } = await loadedDevice(repository, { storage, ...journal })
    expect(await servedVersion(device)).toBe('1.0.0')
    expect(journal.warnings()).toContain(
      'The model could not be stored; it is kept in memory for this visit.',
    )
    expect(journal.logged[0]?.error).toMatchObject({ code: 'storage/quota' })
  })

  test('updates and rollbacks work, without fetching anything twice', async () => {
    const { device } = await loadedDevice(repository, { storage })
    await repository.publish('2.0.0')
    await device.check()
    expect(await servedVersion(device)).toBe('2.0.0')
    await repository.rollout({ kind: 'start', stable: '1.0.0' })
    await device.check()
    expect(await servedVersion(device)).toBe('1.0.0')
    expect(chunksFetched()).toBe(2)
  })

  test('the next visit fetches the model anew', async () => {
    await loadedDevice(repository, { storage })
    const next = await loadedDevice(repository, { storage })
    expect(await servedVersion(next.device)).toBe('1.0.0')
    expect(chunksFetched()).toBe(2)
  })
})

describe.each(['storage/quota', 'storage/unavailable'] as const)('no write at all (%s)', (code) => {
  let storage: DeviceStorage

  beforeEach(() => {
    const { state, blobs } = memoryStorage()
    storage = { state: refusingStore(state, code), blobs: refusingStore(blobs, code) }
  })

  test('serves, follows the repository, and warns', async () => {
    const { device } = await loadedDevice(repository, { storage, ...journal })
    expect(await servedVersion(device)).toBe('1.0.0')
    await repository.publish('2.0.0')
    await device.check()
    expect(await servedVersion(device)).toBe('2.0.0')
    expect(journal.warnings()).toEqual(
      expect.arrayContaining([
        'The device id could not be stored; the next visit counts as another device.',
        'The manifest could not be stored; it is kept in memory for this visit.',
        'What was learned about a version could not be stored.',
      ]),
    )
    const warned = journal.logged.filter(({ level }) => level === 'warn')
    expect(new Set(warned.map(({ error }) => error?.code))).toEqual(new Set([code]))
  })

  test('keeps its place in a rollout for the visit', async () => {
    await repository.publish('2.0.0')
    await repository.rollout({ kind: 'start', candidate: '2.0.0', steps: [5000, 10_000] })
    const { device } = await loadedDevice(repository, { storage })
    const { bucket, version } = await device.explain(MODEL)
    await device.check()
    expect(await device.explain(MODEL)).toMatchObject({ bucket, version })
  })

  test('still ignores an old copy of the repository', async () => {
    const old = await (await fetch(`${repository.url}metadata/timestamp.json`)).text()
    await repository.publish('2.0.0')
    const { device } = await loadedDevice(repository, { storage })
    repository.server.fault('/repository/metadata/timestamp.json', { kind: 'replace', body: old })
    await expect(device.check()).rejects.toMatchObject({ code: 'manifest/rollback' })
    expect(await servedVersion(device)).toBe('2.0.0')
  })

  test('still remembers for the visit that a kill switch was thrown', async () => {
    const { device } = await loadedDevice(repository, { storage })
    await repository.rollout({ kind: 'kill', what: 'model' })
    await device.check()
    await repository.server.stop()
    await expect(device.load(MODEL)).rejects.toMatchObject({ code: 'model/killed' })
  })
})

test('a broken version is not served where that cannot be written down', async () => {
  const { state, blobs } = memoryStorage()
  await repository.publish('3.0.0')
  const device = startDevice(repository, { storage: { state: refusingStore(state), blobs }, ...journal })
  await device.load(MODEL)
  expect(await servedVersion(device)).toBe('1.0.0')
})
