import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryStorage } from 'afield/node'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startServer, type StaticServer } from '../servers/static.js'
import { loadedDevice, servedVersion, startDevice } from './support/devices.js'
import { keepJournal } from './support/journal.js'
import { DIGITS, MODEL, makeRepository, type TestRepository } from './support/repository.js'

let repository: TestRepository
/** The app's own host, with a seed of 1.0.0 that was made when that was the newest. */
let app: StaticServer
let folder: string
let seed: string

beforeEach(async () => {
  repository = await makeRepository(['1.0.0'])
  folder = await mkdtemp(join(tmpdir(), 'afield-app-'))
  await bundle()
  app = await startServer({ mounts: { '/seed': folder } })
  seed = `${app.url}/seed/`
})

afterEach(async () => {
  await app.close()
  await rm(folder, { recursive: true, force: true })
})

/** A seed has the layout of a repository. */
async function bundle(): Promise<void> {
  await cp(repository.dir, folder, { recursive: true })
}

const asked = (): readonly string[] =>
  repository.requests().filter((path) => /^(chunks|descriptors)\//.test(path))

describe('a first visit', () => {
  test('is served from the seed, with the repository never reached', async () => {
    await repository.server.stop()
    const journal = keepJournal()
    const { device, storage } = await loadedDevice(repository, { seed, ...journal })
    expect(await servedVersion(device)).toBe('1.0.0')
    expect(journal.warnings()).toEqual([])
    await device.close()

    // What it stored serves without either.
    await app.stop()
    expect(await servedVersion((await loadedDevice(repository, { storage, seed })).device)).toBe('1.0.0')
  })

  test('lists the versions that the seed has, with the repository never reached', async () => {
    await repository.server.stop()
    for (const policy of ['local', 'offline'] as const) {
      const device = startDevice(repository, { seed, policy })
      expect(await device.versions(MODEL)).toMatchObject([
        { version: '1.0.0', onDevice: false, serves: false },
      ])
      expect(await device.load(MODEL)).toMatchObject({ version: '1.0.0' })
      expect(await device.versions(MODEL)).toMatchObject([{ version: '1.0.0', onDevice: true, serves: true }])
    }
  })

  test('asks the repository for nothing that the seed has, and takes newer news from there', async () => {
    await repository.publish('2.0.0')
    const { device } = await loadedDevice(repository, { seed })
    expect(await servedVersion(device)).toBe('1.0.0')
    expect(repository.requests()).toEqual([])
    await device.check()
    expect(await servedVersion(device)).toBe('2.0.0')
    expect(asked()).toHaveLength(2)
  })

  test('downloads a chunk that the seed lacks or has damaged from the repository', async () => {
    app.fault('/seed/chunks/**', { kind: 'corrupt' })
    const { device } = await loadedDevice(repository, { seed })
    expect(await servedVersion(device)).toBe('1.0.0')
    expect(asked()).toHaveLength(1)
  })

  test('costs nothing, so no rule for downloads holds it up', async () => {
    const { device } = await loadedDevice(repository, { seed, downloads: 'ask', maxDownloadBytes: 1 })
    expect(await servedVersion(device)).toBe('1.0.0')
  })

  test('of an app that is never to use the network is served too', async () => {
    const { device } = await loadedDevice(repository, { seed, policy: 'offline' })
    expect(await servedVersion(device)).toBe('1.0.0')
    expect(repository.requests()).toEqual([])
  })

  test.each([
    ['is not there', 'status'],
    ['is a web page', 'html'],
    ['is damaged', 'corrupt'],
  ] as const)('goes to the repository where the seed %s, and says so', async (_what, kind) => {
    app.fault('/seed/metadata/**', kind === 'status' ? { kind, status: 404 } : { kind })
    const journal = keepJournal()
    const { device } = await loadedDevice(repository, { seed, ...journal })
    expect(await servedVersion(device)).toBe('1.0.0')
    expect(journal.warnings()).toEqual(['The seed that the app ships could not be used.'])
  })

  test('is served all models that the seed holds, one after the other', async () => {
    await repository.publishDigits()
    await bundle()
    await repository.server.stop()
    const { device, storage } = await loadedDevice(repository, { seed })
    await device.load(DIGITS)
    expect(await device.explain(DIGITS)).toMatchObject({ version: '1.0.0' })
    await device.close()
    const next = await loadedDevice(repository, { storage, seed })
    await next.device.load(DIGITS)
    expect((await next.device.storage()).models).toHaveLength(2)
  })

  test('goes to the repository for a model that the seed lacks', async () => {
    await repository.publishDigits()
    const { device } = await loadedDevice(repository, { seed })
    await device.load(DIGITS)
    expect(await device.explain(DIGITS)).toMatchObject({ version: '1.0.0' })
  })
})

describe('a seed and what is stored', () => {
  test('an older seed never wins', async () => {
    await repository.publish('2.0.0')
    const { device, storage } = await loadedDevice(repository)
    await device.close()
    await repository.server.stop()
    const next = await loadedDevice(repository, { storage, seed })
    next.device.keeper.follow()
    await expect
      .poll(async () => (await next.device.explain(MODEL)).lastCheck?.error)
      .toBe('manifest/unavailable')
    expect(await servedVersion(next.device)).toBe('2.0.0')
    expect(await next.device.explain(MODEL)).toMatchObject({ manifestVersion: 3 })
  })

  test('a newer seed, of an app that was updated, wins without the repository', async () => {
    const { device, storage } = await loadedDevice(repository)
    await device.close()
    await repository.publish('2.0.0')
    await bundle()
    await repository.server.stop()
    const next = await loadedDevice(repository, { storage, seed })
    expect(await servedVersion(next.device)).toBe('1.0.0')
    next.device.keeper.follow()
    await expect.poll(() => servedVersion(next.device)).toBe('2.0.0')
  })

  test('an interrupted first visit goes on from the seed', async () => {
    await repository.server.stop()
    app.fault('/seed/chunks/**', { kind: 'cut' })
    const storage = memoryStorage()
    await expect(startDevice(repository, { storage, seed }).load(MODEL)).rejects.toMatchObject({
      code: 'manifest/unavailable',
    })
    app.clearFaults()
    expect(await servedVersion((await loadedDevice(repository, { storage, seed })).device)).toBe('1.0.0')
  })
})
