import { histogram, type FunnelStep } from '@afield/protocol'
import type { Device } from 'afield/node'
import { beforeEach, describe, expect, test } from 'vitest'
import { makeCollector, type TestCollector } from './support/collector.js'
import { RECORD, loadedDevice, servedVersion } from './support/devices.js'
import { MODEL, makeRepository, type TestRepository } from './support/repository.js'

let repository: TestRepository
let collector: TestCollector

beforeEach(async () => {
  repository = await makeRepository(['1.0.0'])
  collector = await makeCollector()
})

async function reportingDevice(): Promise<Device> {
  return (await loadedDevice(repository, { telemetry: collector.telemetry })).device
}

async function predict(
  device: Device,
  times: number,
  record: Record<string, unknown> = RECORD,
): Promise<void> {
  const answers = Array.from({ length: times }, () => device.predict(MODEL, record))
  await Promise.allSettled(answers)
}

/** How far versions got, over all batches on the wire. */
function funnel(version: string): Partial<Record<FunnelStep, number>> {
  const sum: Partial<Record<FunnelStep, number>> = {}
  for (const { cell, ops } of collector.wire.batches().filter((batch) => batch.cell.version === version)) {
    expect(cell.model).toBe(MODEL)
    for (const [step, count] of Object.entries(ops.funnel) as [FunnelStep, number][]) {
      sum[step] = (sum[step] ?? 0) + count
    }
  }
  return sum
}

describe('the collector counts', () => {
  test('what each device did, exactly', async () => {
    const devices = [await reportingDevice(), await reportingDevice(), await reportingDevice()]
    for (const [i, device] of devices.entries()) {
      await predict(device, 40 + i)
      await predict(device, i, { ...RECORD, quiz_score: 200 })
      await predict(device, 1, { hours_studied: 1 })
    }
    await Promise.all(devices.map((device) => device.flush()))
    const version = await collector.version('1.0.0')
    expect(version).toMatchObject({
      served: 40 + 41 + 42,
      errors: { 'input/invalid': 0 + 1 + 2 + 3 },
      deviceDays: 3,
    })
    expect(version?.withheld === false && histogram.total(version.latency)).toBe(123)
  })

  test('over many batches, each device-day once', async () => {
    const device = await reportingDevice()
    for (let i = 0; i < 5; i++) {
      await predict(device, 10)
      await device.flush()
    }
    expect(await collector.version('1.0.0')).toMatchObject({ served: 50, deviceDays: 1 })
    expect(collector.wire.batches().map(({ firstToday }) => firstToday)).toEqual([
      true,
      false,
      false,
      false,
      false,
    ])
    expect(await device.telemetry()).toMatchObject({ state: 'on', open: [], pending: [], sent: 5, drops: {} })
  })

  test('each version for itself, over an update', async () => {
    const device = await reportingDevice()
    await predict(device, 12)
    await repository.publish('2.0.0')
    await device.check()
    await predict(device, 30)
    await device.flush()
    expect(await collector.version('1.0.0')).toMatchObject({ served: 12, deviceDays: 1 })
    expect(await collector.version('2.0.0')).toMatchObject({ served: 30, deviceDays: 1 })
    const whole = { downloaded: 1, verified: 1, staged: 1, confirmed: 1 }
    expect(funnel('1.0.0')).toEqual(whole)
    expect(funnel('2.0.0')).toEqual({ ...whole, checked: 1 })
  })

  test('a version that failed on a device, and why', async () => {
    const device = await reportingDevice()
    await repository.publish('3.0.0')
    await device.check()
    await device.flush()
    expect(funnel('3.0.0')).toEqual({ downloaded: 1, verified: 1, failed: 1 })
    expect(await collector.version('3.0.0')).toMatchObject({
      served: 0,
      errors: { 'model/self-test-failed': 1 },
    })
  })

  test('nothing as downloaded that was there already', async () => {
    const device = await reportingDevice()
    await repository.publish('2.0.0')
    await device.check()
    await repository.rollout({ kind: 'start', stable: '1.0.0' })
    await device.check()
    await device.flush()
    expect(funnel('1.0.0')).toMatchObject({ downloaded: 1, staged: 2, confirmed: 2 })
  })

  test('predictions of a killed model as errors', async () => {
    const device = await reportingDevice()
    await predict(device, 5)
    await repository.rollout({ kind: 'kill', what: 'model' })
    await device.check()
    await predict(device, 3)
    await device.flush()
    expect(await collector.version('1.0.0')).toMatchObject({ served: 5, errors: { 'model/killed': 3 } })
  })

  test('both arms of a canary, told apart', async () => {
    await repository.publish('2.0.0')
    await repository.rollout({ kind: 'start', candidate: '2.0.0', stable: '1.0.0', steps: [5000, 10_000] })
    const expected: Record<string, number> = { '1.0.0': 0, '2.0.0': 0 }
    for (let i = 0; i < 8; i++) {
      const device = await reportingDevice()
      const version = await servedVersion(device)
      await predict(device, i)
      expected[version] = (expected[version] ?? 0) + 1 + i
      await device.flush()
    }
    for (const [version, served] of Object.entries(expected))
      expect(await collector.served(version)).toBe(served)
    for (const { cell } of collector.wire.batches()) {
      expect(cell).toMatchObject({
        arm: cell.version === '2.0.0' ? 'candidate' : 'stable',
        epoch: 1,
        step: 1,
      })
    }
  })
})
