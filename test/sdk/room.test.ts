import type { Sha256 } from '@afield/protocol'
import { memoryStorage, type Device, type DeviceStorage, type KeyValueStore, type Quota } from 'afield/node'
import { AfieldError } from 'afield'
import { randomBytes } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { loadedDevice, servedVersion } from './support/devices.js'
import { keepJournal } from './support/journal.js'
import {
  DIGITS,
  MODEL,
  makeRepository,
  type ExampleVersion,
  type TestRepository,
} from './support/repository.js'
import { cut, reshape } from './support/reshape.js'

let repository: TestRepository

beforeEach(async () => {
  repository = await makeRepository(['1.0.0'])
})

/** A version takes this much more room than its few bytes, for an asset that no other has. */
async function publishLarge(version: ExampleVersion, bytes: number): Promise<void> {
  await repository.publish(version)
  await makeLarge(version, bytes)
}

async function makeLarge(version: ExampleVersion, bytes: number): Promise<void> {
  const asset = new Uint8Array(randomBytes(bytes))
  await reshape(repository, version, async (model) => [
    { role: 'model', ...(await cut(repository.dir, model, 4096)) },
    { role: 'asset', path: 'large.bin', ...(await cut(repository.dir, asset, 10_000)) },
  ])
}

/** A store with a limit, as a browser's disk has one. */
function limited(limitBytes: number): { readonly storage: DeviceStorage; readonly quota: Quota } {
  const { state, blobs } = memoryStorage()
  const used = async (): Promise<number> => {
    const values = await blobs.getMany(await blobs.keys())
    return values.reduce<number>((sum, value) => sum + (value as Uint8Array).length, 0)
  }
  const bounded: KeyValueStore = {
    ...blobs,
    write: async (changes) => {
      const more = [...changes.values()].reduce<number>(
        (sum, value) => sum + (value instanceof Uint8Array ? value.length : 0),
        0,
      )
      if (more > 0 && (await used()) + more > limitBytes) throw new AfieldError('storage/quota', 'No room.')
      await blobs.write(changes)
    },
  }
  return {
    storage: { state, blobs: bounded },
    quota: {
      estimate: async () => ({ usageBytes: await used(), quotaBytes: limitBytes }),
      persisted: () => Promise.resolve(false),
    },
  }
}

async function rolesOf(device: Device): Promise<string[]> {
  const { models } = await device.storage()
  return models.flatMap(({ versions }) => versions.map(({ version, role }) => `${version} ${role}`))
}

describe('after a swap', () => {
  test('only the current and the previous version stay, and what they share', async () => {
    const { device } = await loadedDevice(repository)
    await repository.publish('2.0.0')
    await device.check()
    expect(await rolesOf(device)).toEqual(['1.0.0 previous', '2.0.0 current'])
    await repository.publishAs('2.1.0', '2.0.0')
    await device.check()
    expect(await servedVersion(device)).toBe('2.1.0')
    // 2.1.0 has the very chunks of 2.0.0, which are counted once.
    expect(await rolesOf(device)).toEqual(['2.0.0 previous', '2.1.0 current'])
    const [stored] = (await device.storage()).models
    expect(stored?.versions.map(({ bytes }) => bytes)).toEqual([1373, 1373])
    const descriptors = stored ? stored.bytes - 1373 : 0
    expect(descriptors).toBeLessThan(2 * 8000)

    repository.server.clearRequests()
    await repository.rollout({ kind: 'start', stable: '2.0.0' })
    await device.check()
    expect(await servedVersion(device)).toBe('2.0.0')
    expect(repository.requests().filter((path) => /^(chunks|descriptors)/.test(path))).toEqual([])
  })

  test('a version that the app asked for by number stays for 30 days', async () => {
    const { device, storage } = await loadedDevice(repository)
    await device.load(MODEL, '1.0.0')
    await repository.publish('2.0.0')
    await device.check()
    await repository.publishAs('2.1.0', '2.0.0')
    await device.check()
    expect(await rolesOf(device)).toEqual(['1.0.0 pinned', '2.0.0 previous', '2.1.0 current'])
    await device.close()

    const later = Date.now() + 31 * 24 * 3600 * 1000
    const clock = { now: () => later, after: () => () => undefined }
    const next = await loadedDevice(repository, { storage, clock })
    expect(await rolesOf(next.device)).toContain('1.0.0 other')
    await repository.publishAs('2.2.0', '1.0.0', new Date(later))
    await next.device.check()
    expect(await rolesOf(next.device)).toEqual(['2.1.0 previous', '2.2.0 current'])
  })

  test('what a download left that nobody wants any more goes', async () => {
    const { device } = await loadedDevice(repository)
    await publishLarge('2.0.0', 50_000)
    const requests = repository.server
    requests.fault('/repository/chunks/**', { kind: 'cut', times: 3 })
    await expect(device.check()).rejects.toMatchObject({ code: 'chunk/unavailable' })
    repository.server.clearFaults()
    await expect.poll(() => rolesOf(device)).toContain('2.0.0 other')
    await repository.publishAs('2.1.0', '1.0.0')
    await device.check()
    expect(await rolesOf(device)).toEqual(['1.0.0 previous', '2.1.0 current'])
  })
})

test('a descriptor that is swept just before its version is written down is stored again', async () => {
  const { state, blobs } = memoryStorage()
  const swept: string[] = []
  const sweeping: KeyValueStore = {
    ...state,
    write: async (changes) => {
      const record = changes.get(`model/${MODEL}`) as { wanted?: { descriptor: string } } | undefined
      if (record?.wanted && swept.length === 0) {
        swept.push(record.wanted.descriptor)
        await blobs.write(new Map([[record.wanted.descriptor, undefined]]))
      }
      await state.write(changes)
    },
  }
  const { device } = await loadedDevice(repository, { storage: { state: sweeping, blobs } })
  expect(swept).toHaveLength(1)
  expect(await blobs.keys()).toContain(swept[0])
  expect(await servedVersion(device)).toBe('1.0.0')
})

describe('where room is short', () => {
  test('what nobody needs goes before the download, and the other model stays whole', async () => {
    await makeLarge('1.0.0', 50_000)
    await repository.publishDigits()
    const { storage, quota } = limited(460_000)
    const { device } = await loadedDevice(repository, { storage, quota })
    await device.load(DIGITS)
    // Somebody's chunk that belongs to no version.
    await storage.blobs.write(new Map([['f'.repeat(64), new Uint8Array(10_000)]]))
    await publishLarge('2.0.0', 40_000)
    await device.check()
    expect(await servedVersion(device)).toBe('2.0.0')
    expect(await storage.blobs.keys()).not.toContain('f'.repeat(64))
    expect(await rolesOf(device)).toEqual(['1.0.0 previous', '2.0.0 current', '1.0.0 current'])
  })

  test('and nothing may go, the version serves from memory for this visit, and the warning says so', async () => {
    const { storage, quota } = limited(60_000)
    const journal = keepJournal()
    const { device } = await loadedDevice(repository, { storage, quota, ...journal })
    await publishLarge('2.0.0', 90_000)
    await device.check()
    expect(await servedVersion(device)).toBe('2.0.0')
    expect(journal.warnings()).toEqual([
      'The model could not be stored; it is kept in memory for this visit.',
    ])
    expect(await rolesOf(device)).toEqual(['1.0.0 previous', '2.0.0 current'])
    await device.close()

    await repository.server.stop()
    const next = await loadedDevice(repository, { storage, quota })
    expect(await servedVersion(next.device)).toBe('1.0.0')
  })

  test.each<[string, Quota | undefined]>([
    [
      'the browser says so',
      {
        estimate: () => Promise.resolve({ usageBytes: 0, quotaBytes: 100_000_000 }),
        persisted: () => Promise.resolve(false),
      },
    ],
    ['all that is stored is in memory', undefined],
  ])(
    'and memory would be too much, as %s, the update is refused and what served goes on',
    async (_, quota) => {
      const { device } = await loadedDevice(repository, quota ? { quota } : {})
      await repository.publish('2.0.0')
      // Chunks that nobody has, nor is asked for.
      const chunks = Array.from({ length: 150 }, (_, i) => ({
        sha256: i.toString(16).padStart(64, '0') as Sha256,
        size: 4 * 1024 * 1024,
      }))
      await reshape(repository, '2.0.0', async (model) => [
        { role: 'model', ...(await cut(repository.dir, model, 4096)) },
        { role: 'asset', path: 'huge.bin', size: chunks.length * 4 * 1024 * 1024, chunks },
      ])
      repository.server.clearRequests()
      await expect(device.check()).rejects.toMatchObject({
        code: 'storage/quota',
        message: expect.stringMatching(/Free some disk space/),
      })
      expect(repository.requests().filter((path) => path.startsWith('chunks/'))).toEqual([])
      expect(await servedVersion(device)).toBe('1.0.0')
    },
  )

  test('in the middle of a download, room is made, and what does not fit serves from memory', async () => {
    const { storage } = limited(70_000)
    const journal = keepJournal()
    // The browser's estimate is wrong, as estimates are.
    const { device } = await loadedDevice(repository, { storage, ...journal })
    await publishLarge('2.0.0', 90_000)
    await device.check()
    expect(await servedVersion(device)).toBe('2.0.0')
    expect(journal.logged.at(-1)?.error).toMatchObject({ code: 'storage/quota' })
  })
})
