import { deviceBucket } from '@afield/protocol'
import type { Device, DeviceStorage } from 'afield/node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDevice, memoryStorage } from 'afield/node'
import { loadedDevice, servedVersion } from './support/devices.js'
import { MODEL, makeRepository, type TestRepository } from './support/repository.js'

const DEVICES = 64

interface Member {
  readonly device: Device
  readonly storage: DeviceStorage
  readonly id: string
}

let repository: TestRepository
let seed: string
let fleet: readonly Member[]

/** 64 devices that serve 1.0.0 when 2.0.0 is released to nobody yet. */
beforeAll(async () => {
  repository = await makeRepository(['1.0.0'])
  await repository.rollout({ kind: 'start', stable: '1.0.0' })
  await repository.publish('2.0.0')
  const members: Member[] = []
  for (let i = 0; i < DEVICES; i++) {
    const storage = memoryStorage()
    const device = createDevice({ repository: repository.url, root: repository.root, storage })
    await device.load(MODEL)
    members.push({ device, storage, id: String(await storage.state.get('device')) })
  }
  fleet = members
})

afterAll(() => Promise.all(fleet.map(({ device }) => device.close())))

async function checkAll(members = fleet): Promise<void> {
  for (const { device } of members) await device.check()
}

async function idsOn(version: string, members = fleet): Promise<readonly string[]> {
  const versions = await Promise.all(members.map(({ device }) => servedVersion(device)))
  return members.filter((_, i) => versions[i] === version).map(({ id }) => id)
}

function idsBelow(coverage: number, members = fleet): readonly string[] {
  return members.map(({ id }) => id).filter((id) => deviceBucket(seed, id) < coverage)
}

describe('a canary, step by step', () => {
  test('a release that a rollout does not name goes to nobody', async () => {
    await checkAll()
    expect(await idsOn('1.0.0')).toHaveLength(DEVICES)
  })

  test('each device has an id of its own, of 128 bits', () => {
    expect(new Set(fleet.map(({ id }) => id)).size).toBe(DEVICES)
    for (const { id } of fleet) expect(id).toMatch(/^[0-9a-f]{32}$/)
  })

  test('half of all buckets: exactly the devices that the hash says', async () => {
    const started = await repository.rollout({ kind: 'start', candidate: '2.0.0', steps: [5000, 10_000] })
    seed = started.rollout.seed
    await checkAll()
    const inside = await idsOn('2.0.0')
    expect(inside).toEqual(idsBelow(5000))
    // Of 64 devices fewer than 12 or more than 52 are in a half less than once in a million times.
    expect(inside.length).toBeGreaterThanOrEqual(12)
    expect(inside.length).toBeLessThanOrEqual(52)
  })

  test('each says why', async () => {
    for (const { device, id } of fleet.slice(0, 10)) {
      const bucket = deviceBucket(seed, id)
      const inside = bucket < 5000
      expect(await device.explain(MODEL)).toMatchObject({
        bucket,
        coverage: 5000,
        arm: inside ? 'candidate' : 'stable',
        reason: inside ? 'in-canary' : 'outside-canary',
        sentence: expect.stringContaining(
          `it is ${inside ? '' : 'not '}among the 50 % of devices that try 2.0.0 (bucket ${bucket} of 10,000)`,
        ),
      })
    }
  })

  test('a device stays where it is over restarts', async () => {
    const [inside] = idsBelow(5000)
    const member = fleet.find(({ id }) => id === inside)
    const { device } = await loadedDevice(repository, member ? { storage: member.storage } : {})
    expect(await servedVersion(device)).toBe('2.0.0')
    expect(await device.explain(MODEL)).toMatchObject({ arm: 'candidate' })
  })

  test('a pause lets no new device in, and leaves those that are in', async () => {
    await repository.rollout({ kind: 'pause' })
    await checkAll()
    expect(await idsOn('2.0.0')).toEqual(idsBelow(5000))
    for (let i = 0; i < 8; i++) {
      const { device } = await loadedDevice(repository)
      expect(await servedVersion(device)).toBe('1.0.0')
    }
    await repository.rollout({ kind: 'resume' })
  })

  test('more coverage adds devices and moves none', async () => {
    await repository.rollout({ kind: 'step', to: 7500 })
    const before = await idsOn('2.0.0')
    await checkAll()
    const after = await idsOn('2.0.0')
    expect(after).toEqual(idsBelow(7500))
    expect(after).toEqual(expect.arrayContaining([...before]))
  })

  test('all of them', async () => {
    await repository.rollout({ kind: 'step' })
    await checkAll()
    expect(await idsOn('2.0.0')).toHaveLength(DEVICES)
  })

  test('a promotion changes the label, and no device', async () => {
    await repository.rollout({ kind: 'promote' })
    repository.server.clearRequests()
    await checkAll()
    expect(await idsOn('2.0.0')).toHaveLength(DEVICES)
    expect(await fleet[0]?.device.explain(MODEL)).toMatchObject({ arm: 'stable', reason: 'stable' })
    expect(repository.requests().filter((path) => /^(chunks|descriptors)\//.test(path))).toEqual([])
  })
})

describe('an abort', () => {
  test('takes the candidate back at once, without a download', async () => {
    const members = fleet.slice(0, 16)
    const { rollout } = await repository.rollout({
      kind: 'start',
      candidate: '1.0.0',
      stable: '2.0.0',
      steps: [5000],
    })
    seed = rollout.seed
    await checkAll(members)
    expect(await idsOn('1.0.0', members)).toEqual(idsBelow(5000, members))
    await repository.rollout({ kind: 'abort' })
    repository.server.clearRequests()
    await checkAll(members)
    expect(await idsOn('2.0.0', members)).toHaveLength(16)
    expect(repository.requests().filter((path) => /^(chunks|descriptors)\//.test(path))).toEqual([])
  })
})
