import { AfieldError } from '@afield/protocol'
import { beforeAll, describe, expect, test } from 'vitest'
import { RECORD, loadedDevice, promisedRisk, servedVersion, startDevice } from './support/devices.js'
import { MODEL, makeRepository, type TestRepository } from './support/repository.js'
import { replaceDocument } from './support/signed-changes.js'

let repository: TestRepository

beforeAll(async () => {
  repository = await makeRepository(['1.0.0', '2.0.0'])
})

test('what is no name, no version or was not loaded is said in our own words, with what to do', async () => {
  const device = startDevice(repository)
  const messageOf = (asked: Promise<unknown>) =>
    asked.then(
      () => 'answered',
      (error: unknown) => (error instanceof AfieldError ? `${error.code} ${error.message}` : String(error)),
    )
  expect(await messageOf(device.explain('nope'))).toBe(
    'model/not-found "nope" was not loaded on this page. Call load() first.',
  )
  expect(await messageOf(device.load(5 as never))).toBe(
    "model/not-found The model's name is not valid: a name is 1 to 64 of a-z, 0-9 and -, and starts with no -.",
  )
  expect(await messageOf(device.load(MODEL, 5 as never))).toBe(
    `model/not-found The version of "${MODEL}" is not valid: neither a version such as 1.4.0 nor an alias.`,
  )
})

describe('load() with a version', () => {
  test('serves that version under its own name, beside what the rollout means', async () => {
    const { device } = await loadedDevice(repository)
    expect(await device.load(MODEL, '1.0.0')).toMatchObject({ version: '1.0.0', arm: 'pinned' })
    const pinned = await device.predict(`${MODEL}@1.0.0`, RECORD)
    expect(pinned.modelVersion).toBe('1.0.0')
    expect(pinned.outputs['risk_score']).toBeCloseTo(await promisedRisk('1.0.0'), 3)
    expect(await servedVersion(device)).toBe('2.0.0')
    expect(await device.explain(`${MODEL}@1.0.0`)).toMatchObject({
      reason: 'requested',
      sentence: 'This device runs learner-risk 1.0.0 on WASM, because the app asked for this version.',
    })
  })

  test('serves it offline on the next visit', async () => {
    const first = await loadedDevice(repository)
    await first.device.load(MODEL, '1.0.0')
    await first.device.close()
    repository.server.clearRequests()
    const next = startDevice(repository, { storage: first.storage })
    expect(await next.load(MODEL, '1.0.0')).toMatchObject({ version: '1.0.0' })
    expect(repository.requests()).toEqual([])
  })

  test('is not what the device falls back to', async () => {
    const { device, storage } = await loadedDevice(repository)
    await device.load(MODEL, '1.0.0')
    expect(await storage.state.get(`model/${MODEL}`)).toMatchObject({ current: { version: '2.0.0' } })
  })

  test('of latest serves the newest release, whatever the rollout means', async () => {
    await repository.rollout({ kind: 'start', stable: '1.0.0' })
    const { device } = await loadedDevice(repository)
    expect(await servedVersion(device)).toBe('1.0.0')
    expect(await device.load(MODEL, 'latest')).toMatchObject({ version: '2.0.0', arm: 'pinned' })
  })

  test.each(['9.9.9', 'newest', ''])('that does not exist is refused: "%s"', async (version) => {
    const { device } = await loadedDevice(repository)
    await expect(device.load(MODEL, version)).rejects.toMatchObject({ code: 'model/not-found' })
  })
})

describe('a version that was revoked', () => {
  test('is refused by name, and gives way where it served', async () => {
    const own = await makeRepository(['1.0.0', '2.0.0'])
    const { device } = await loadedDevice(own)
    await device.load(MODEL, '2.0.0')
    await replaceDocument(own.dir, 'models', revoke('2.0.0'))

    await device.check()
    const revoked = {
      code: 'model/revoked',
      message: 'That version of "learner-risk" was revoked and never runs again.',
    }
    await expect(device.predict(`${MODEL}@2.0.0`, RECORD)).rejects.toMatchObject(revoked)
    await expect(startDevice(own).load(MODEL, '2.0.0')).rejects.toMatchObject(revoked)
    expect(await servedVersion(device)).toBe('1.0.0')
  })

  test('does not serve as the last good one either', async () => {
    const own = await makeRepository(['1.0.0', '2.0.0'])
    const { device, storage } = await loadedDevice(own)
    await replaceDocument(own.dir, 'models', revoke('2.0.0'))
    own.server.fault('/repository/chunks/**', { kind: 'status', status: 500 })
    await expect(device.check()).rejects.toMatchObject({ code: 'chunk/unavailable' })
    await expect(servedVersion(device)).rejects.toMatchObject({ code: 'model/revoked' })
    await expect(startDevice(own, { storage }).load(MODEL)).rejects.toMatchObject({
      code: 'chunk/unavailable',
    })
  })
})

function revoke(version: string) {
  return (index: Record<string, unknown>) => {
    const versions = index['versions'] as Record<string, object>
    const change = { author: 'Tests', reason: 'a leak', at: '2026-11-21T12:00:00Z' }
    return { ...index, versions: { ...versions, [version]: { ...versions[version], revoked: change } } }
  }
}
