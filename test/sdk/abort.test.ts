import { beforeEach, describe, expect, test } from 'vitest'
import { memoryStorage } from 'afield/node'
import { loadedDevice, servedVersion, startDevice } from './support/devices.js'
import { MODEL, makeRepository, type TestRepository } from './support/repository.js'

let repository: TestRepository

beforeEach(async () => {
  repository = await makeRepository(['1.0.0'])
})

const requested = (path: RegExp): Promise<void> =>
  expect.poll(() => repository.requests().some((one) => path.test(one))).toBe(true)

const ABORTED = { name: 'AfieldError', code: 'aborted' }

describe('a load that is aborted', () => {
  test.each([
    ['during the check', '/repository/metadata/timestamp.json', /timestamp/],
    ['during the download', '/repository/chunks/**', /^chunks/],
  ])('%s rejects at once, and the next one works', async (_, pattern, path) => {
    repository.server.fault(pattern, { kind: 'delay', ms: 60_000, times: 1 })
    const storage = memoryStorage()
    const device = startDevice(repository, { storage })
    const controller = new AbortController()
    const load = device.keeper.load(MODEL, {}, controller.signal)
    await requested(path)
    controller.abort()
    await expect(load).rejects.toMatchObject(ABORTED)
    expect((await storage.blobs.keys()).length).toBeLessThan(2)

    await device.load(MODEL)
    expect(await servedVersion(device)).toBe('1.0.0')
  })

  test('in the middle of an answer rejects too', async () => {
    repository.server.fault('/repository/chunks/**', { kind: 'drip', bytesPerSecond: 10, times: 1 })
    const device = startDevice(repository)
    const controller = new AbortController()
    const load = device.keeper.load(MODEL, {}, controller.signal)
    await requested(/^chunks/)
    await new Promise((resolve) => setTimeout(resolve, 150))
    controller.abort()
    await expect(load).rejects.toMatchObject(ABORTED)
    await device.load(MODEL)
    expect(await servedVersion(device)).toBe('1.0.0')
  })

  test('before it began asks the network for nothing', async () => {
    const device = startDevice(repository)
    await expect(device.keeper.load(MODEL, {}, AbortSignal.abort())).rejects.toMatchObject(ABORTED)
    expect(repository.requests()).toEqual([])
  })

  test('takes nobody else along', async () => {
    repository.server.fault('/repository/chunks/**', { kind: 'delay', ms: 60_000, times: 1 })
    const device = startDevice(repository)
    const controller = new AbortController()
    const aborted = device.keeper.load(MODEL, {}, controller.signal)
    await requested(/^chunks/)
    const other = device.load(MODEL)
    controller.abort()
    await expect(aborted).rejects.toMatchObject(ABORTED)
    expect(await other).toMatchObject({ version: '1.0.0' })
  })
})

test('a check that is aborted leaves what serves, and the next one works', async () => {
  const { device } = await loadedDevice(repository)
  await repository.publish('2.0.0')
  repository.server.fault('/repository/chunks/**', { kind: 'delay', ms: 60_000, times: 1 })
  repository.server.clearRequests()
  const controller = new AbortController()
  const check = device.keeper.check(controller.signal)
  await requested(/^chunks/)
  controller.abort()
  await expect(check).rejects.toMatchObject(ABORTED)
  expect(await servedVersion(device)).toBe('1.0.0')
  await device.check()
  expect(await servedVersion(device)).toBe('2.0.0')
})
