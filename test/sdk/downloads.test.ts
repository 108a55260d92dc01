import type { Descriptor } from '@afield/protocol'
import type { DownloadRequest } from 'afield'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { memoryStorage, type Connection } from 'afield/node'
import { beforeEach, describe, expect, test } from 'vitest'
import { loadedDevice, servedVersion, startDevice, type DeviceChanges } from './support/devices.js'
import { MODEL, makeRepository, type TestRepository } from './support/repository.js'

let repository: TestRepository

beforeEach(async () => {
  repository = await makeRepository(['1.0.0'])
})

const chunksFetched = (): number => repository.requests().filter((path) => path.startsWith('chunks/')).length
/** What a version is over the wire, by its own descriptor. */
async function wireBytes(version: string): Promise<number> {
  const folder = join(repository.dir, 'descriptors')
  for (const file of await readdir(folder)) {
    const descriptor = JSON.parse(await readFile(join(folder, file), 'utf8')) as Descriptor
    if (descriptor.version !== version) continue
    const chunks = descriptor.artifacts.flatMap(({ files }) => files.flatMap((part) => part.chunks))
    return chunks.reduce((sum, { size, encodedSize }) => sum + (encodedSize ?? size), 0)
  }
  throw new Error(`${version} is not in the repository`)
}

const costly = (connection: Partial<Connection>): (() => Connection) => {
  return () => ({ saveData: false, metered: false, ...connection })
}

/** A device that serves 1.0.0 and hears of 2.0.0 under these rules. */
async function hearsOfUpdate(changes: DeviceChanges) {
  const loaded = await loadedDevice(repository, changes)
  await repository.publish('2.0.0')
  repository.server.clearRequests()
  await loaded.device.check()
  return loaded
}

describe('an update waits, and explain() says why', () => {
  const rules: readonly (readonly [string, DeviceChanges, string, RegExp])[] = [
    [
      'while the user saves data',
      { connection: costly({ saveData: true }) },
      'save-data',
      /the user asks sites to save data/,
    ],
    [
      'on a metered connection, where the app wants none',
      { downloads: 'unmetered', connection: costly({ metered: true }) },
      'metered',
      /this connection is paid for by the byte/,
    ],
    [
      'until the app agrees',
      { downloads: 'ask', onDownload: (r) => r.reason === 'load' },
      'not-agreed',
      /agreed/,
    ],
  ]
  test.each(rules)('%s', async (_what, changes, why, sentence) => {
    const { device } = await hearsOfUpdate(changes)
    expect(await servedVersion(device)).toBe('1.0.0')
    expect(chunksFetched()).toBe(0)
    expect(await device.explain(MODEL)).toMatchObject({
      version: '1.0.0',
      reason: 'last-good',
      deferred: { version: '2.0.0', bytes: await wireBytes('2.0.0'), why },
      sentence: expect.stringMatching(
        /2\.0\.0, which is meant for it, is not here yet\. Its 1\.\d kB wait: /,
      ),
      lastCheck: { error: undefined },
    })
    expect((await device.explain(MODEL)).sentence).toMatch(sentence)
  })

  test('and comes with the first check after that is over', async () => {
    let saveData = true
    const { device } = await hearsOfUpdate({ connection: () => ({ saveData, metered: false }) })
    saveData = false
    await device.check()
    expect(await servedVersion(device)).toBe('2.0.0')
    expect(await device.explain(MODEL)).toMatchObject({ deferred: undefined })
  })

  test('but what the app asked for and nothing else can answer never waits', async () => {
    const { device } = await loadedDevice(repository, {
      downloads: 'unmetered',
      connection: costly({ saveData: true, metered: true }),
    })
    expect(await servedVersion(device)).toBe('1.0.0')
  })

  test('and a version that was taken back is replaced at once', async () => {
    await repository.publish('2.0.0')
    await repository.rollout({ kind: 'start', stable: '1.0.0', candidate: '2.0.0', steps: [10_000] })
    const { device } = await loadedDevice(repository, { connection: costly({ saveData: true }) })
    expect(await servedVersion(device)).toBe('2.0.0')
    await repository.rollout({ kind: 'kill', what: 'candidate' })
    await device.check()
    expect(await servedVersion(device)).toBe('1.0.0')
  })

  test('metered connections do for the default, and unmetered ones for everyone', async () => {
    const { device } = await hearsOfUpdate({ connection: costly({ metered: true }) })
    expect(await servedVersion(device)).toBe('2.0.0')
  })
})

describe('an app that wants to be asked', () => {
  test('is asked before the first chunk, with what it needs to know, and once where it declined', async () => {
    const asked: DownloadRequest[] = []
    const { device } = await hearsOfUpdate({
      downloads: 'ask',
      onDownload: (request) => {
        asked.push(request)
        expect(chunksFetched()).toBe(0)
        return asked.length !== 2
      },
    })
    expect(asked).toEqual([
      { model: MODEL, version: '1.0.0', bytes: await wireBytes('1.0.0'), reason: 'load' },
      { model: MODEL, version: '2.0.0', bytes: await wireBytes('2.0.0'), reason: 'update' },
    ])
    expect(await servedVersion(device)).toBe('1.0.0')
    // When the app itself looks for news, it is asked again.
    await device.check()
    expect(asked).toHaveLength(3)
    expect(await servedVersion(device)).toBe('2.0.0')
  })

  test('and declines a first load gets that as an error, and another chance', async () => {
    let agrees = false
    const device = startDevice(repository, { downloads: 'ask', onDownload: () => Promise.resolve(agrees) })
    await expect(device.load(MODEL)).rejects.toMatchObject({
      code: 'download/declined',
      message: expect.stringContaining('Load it again'),
      details: { bytes: await wireBytes('1.0.0') },
    })
    expect(chunksFetched()).toBe(0)
    agrees = true
    await device.load(MODEL)
    expect(await servedVersion(device)).toBe('1.0.0')
  })

  test('but gives no answer at all loads nothing', async () => {
    await expect(startDevice(repository, { downloads: 'ask' }).load(MODEL)).rejects.toMatchObject({
      code: 'download/declined',
      message: expect.stringContaining('gave no onDownload'),
    })
  })

  test('is not asked about what is on the device', async () => {
    const storage = memoryStorage()
    await loadedDevice(repository, { storage })
    const { device } = await loadedDevice(repository, { storage, downloads: 'ask' })
    expect(await servedVersion(device)).toBe('1.0.0')
  })

  test('and does not answer is not waited for when there is news', async () => {
    let asked = 0
    const { device } = await loadedDevice(repository, {
      downloads: 'ask',
      onDownload: ({ reason }) => reason === 'load' || (asked++, new Promise<boolean>(() => undefined)),
    })
    await repository.publish('2.0.0')
    const first = device.check()
    await expect.poll(() => asked).toBe(1)
    await repository.rollout({ kind: 'start', stable: '1.0.0' })
    await device.check()
    await first
    expect(await device.explain(MODEL)).toMatchObject({ version: '1.0.0', reason: 'stable' })
  })
})

describe('a limit on what a download may cost', () => {
  test('refuses an update that is larger, naming both numbers, and what served goes on', async () => {
    const { device } = await loadedDevice(repository, { maxDownloadBytes: 1000 })
    await repository.publish('2.0.0')
    const bytes = await wireBytes('2.0.0')
    await expect(device.check()).rejects.toMatchObject({
      code: 'download/too-large',
      message: expect.stringMatching(new RegExp(`${bytes} bytes.* 1000\\b`)),
      details: { bytes, maxDownloadBytes: 1000 },
    })
    expect(await servedVersion(device)).toBe('1.0.0')
    expect(chunksFetched()).toBe(1)
  })

  test('refuses a first load that is larger', async () => {
    const device = startDevice(repository, { maxDownloadBytes: (await wireBytes('1.0.0')) - 1 })
    await expect(device.load(MODEL)).rejects.toMatchObject({ code: 'download/too-large' })
  })

  test('lets through what fits', async () => {
    await loadedDevice(repository, { maxDownloadBytes: await wireBytes('1.0.0') })
    expect(chunksFetched()).toBe(1)
  })
})
