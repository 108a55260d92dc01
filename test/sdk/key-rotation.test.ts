import { beforeEach, describe, expect, test } from 'vitest'
import { HOUR, TestClock } from './support/clock.js'
import { loadedDevice, servedVersion, startDevice } from './support/devices.js'
import { MODEL, makeRepository, type TestRepository } from './support/repository.js'
import { rotateOpsKey } from './support/signed-changes.js'

let repository: TestRepository

beforeEach(async () => {
  repository = await makeRepository(['1.0.0'])
})

describe('a team that replaces its ops key', () => {
  test('is followed by devices that it already has, at their next check', async () => {
    const clock = new TestClock()
    const { device, storage } = await loadedDevice(repository, { clock })
    await rotateOpsKey(repository.dir)
    await repository.publish('2.0.0')
    clock.advance(HOUR)
    await device.check()
    expect(await servedVersion(device)).toBe('2.0.0')

    // From the root that the app ships, over the one that was stored.
    await repository.server.stop()
    const next = await loadedDevice(repository, { clock, storage })
    expect(await servedVersion(next.device)).toBe('2.0.0')
  })

  test('is followed by an app that still ships the first root', async () => {
    await rotateOpsKey(repository.dir)
    const { device } = await loadedDevice(repository)
    expect(await servedVersion(device)).toBe('1.0.0')
  })

  test('shuts out whoever has the old one', async () => {
    const old = await (await fetch(`${repository.url}metadata/timestamp.json`)).text()
    await rotateOpsKey(repository.dir)
    const device = startDevice(repository)
    repository.server.fault('/repository/metadata/timestamp.json', { kind: 'replace', body: old })
    await expect(device.load(MODEL)).rejects.toMatchObject({ code: 'manifest/signature' })
  })
})
