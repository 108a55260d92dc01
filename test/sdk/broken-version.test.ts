import type { Descriptor } from '@afield/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { DAY, HOUR, TestClock } from './support/clock.js'
import { RECORD, loadedDevice, promisedRisk, servedVersion, startDevice } from './support/devices.js'
import { keepJournal, type Journal } from './support/journal.js'
import { MODEL, makeRepository, type TestRepository } from './support/repository.js'
import { redescribe } from './support/reshape.js'

let repository: TestRepository
let clock: TestClock
let journal: Journal

beforeEach(async () => {
  clock = new TestClock()
  journal = keepJournal()
  repository = await makeRepository(['1.0.0', '2.0.0'])
})

/** A device that serves 2.0.0 and has met 3.0.0, which answers its golden vectors wrongly. */
async function deviceThatMetTheBrokenVersion() {
  const loaded = await loadedDevice(repository, { clock, ...journal })
  await repository.publish('3.0.0')
  await loaded.device.check()
  return loaded
}

describe('a version that fails its golden vectors', () => {
  test('never serves; the one before it does', async () => {
    const { device } = await deviceThatMetTheBrokenVersion()
    const { outputs, modelVersion } = await device.predict(MODEL, RECORD)
    expect(modelVersion).toBe('2.0.0')
    expect(outputs['risk_score']).toBeCloseTo(await promisedRisk('2.0.0'), 3)
    expect(journal.of('update').map(({ version }) => version)).toEqual(['2.0.0'])
  })

  test('is explained: which version, which vector, what was promised', async () => {
    const { device } = await deviceThatMetTheBrokenVersion()
    const { version, failures, sentence } = await device.explain(MODEL)
    expect(version).toBe('2.0.0')
    expect(failures).toEqual([
      {
        version: '3.0.0',
        code: 'model/self-test-failed',
        message: expect.stringMatching(
          /^golden vector 1 promises risk_score = [\d.]+, the model says [\d.]+\.$/,
        ),
        until: clock.now() + DAY,
      },
    ])
    expect(sentence).toMatch(/3\.0\.0 failed here: golden vector 1 promises risk_score/)
    expect(journal.of('rejected')).toEqual([
      {
        type: 'rejected',
        model: MODEL,
        version: '3.0.0',
        code: 'model/self-test-failed',
        message: failures[0]?.message,
      },
    ])
    expect(journal.warnings()).toEqual(['learner-risk 3.0.0 failed on this device and is not served.'])
  })

  test('is not tried again within 24 hours, in this visit or the next', async () => {
    const { device, storage } = await deviceThatMetTheBrokenVersion()
    clock.advance(23 * HOUR)
    await device.check()
    const next = startDevice(repository, { storage, clock, ...journal })
    await next.load(MODEL)
    await next.check()
    expect(journal.of('rejected')).toHaveLength(1)
    expect(await servedVersion(next)).toBe('2.0.0')
  })

  test('is tried once more after 24 hours, and rests again', async () => {
    const { device } = await deviceThatMetTheBrokenVersion()
    clock.advance(DAY)
    await device.check()
    expect(journal.of('rejected')).toHaveLength(2)
    expect(await servedVersion(device)).toBe('2.0.0')
    clock.advance(23 * HOUR)
    await device.check()
    expect(journal.of('rejected')).toHaveLength(2)
  })

  test('stops no canary: a device inside says that it failed there', async () => {
    await repository.publish('3.0.0')
    await repository.rollout({ kind: 'start', candidate: '3.0.0', stable: '2.0.0', steps: [10_000] })
    const { device } = await loadedDevice(repository, journal)
    expect(await servedVersion(device)).toBe('2.0.0')
    expect(await device.explain(MODEL)).toMatchObject({
      arm: 'stable',
      reason: 'candidate-failed-here',
      sentence: expect.stringMatching(
        /although it is among the 100 % .* 3\.0\.0 failed here: golden vector 1/,
      ),
    })
  })

  test('does not serve when the app asks for it by name, and says why', async () => {
    await repository.publish('3.0.0')
    const { device } = await loadedDevice(repository, journal)
    await expect(device.load(MODEL, '3.0.0')).rejects.toMatchObject({
      code: 'model/self-test-failed',
      message: expect.stringMatching(
        /^3\.0\.0 of "learner-risk" does not work on this device: golden vector 1/,
      ),
    })
    expect(journal.of('rejected')).toHaveLength(1)
    expect(await servedVersion(device)).toBe('2.0.0')
  })

  test('makes latest mean the newest that works here', async () => {
    await repository.publish('3.0.0')
    const device = startDevice(repository, journal)
    expect(await device.load(MODEL, 'latest')).toMatchObject({ version: '2.0.0' })
    expect(journal.of('rejected')).toHaveLength(1)
  })

  test('leaves nothing to serve when there is no other', async () => {
    const alone = await makeRepository(['3.0.0'])
    await expect(startDevice(alone).load(MODEL)).rejects.toMatchObject({
      code: 'model/self-test-failed',
      message: expect.stringMatching(/^No version of "learner-risk" works on this device: golden vector 1/),
    })
  })
})

describe('a version whose descriptor the engine cannot read', () => {
  test.each<[string, (descriptor: Descriptor) => object, RegExp, string?]>([
    [
      'a contract of a kind that it does not know',
      ({ contract }) => ({ contract: { ...contract, input: { kind: 'smell' } } }),
      /^This version of Afield does not run models of kind "smell"\. Update/,
      'platform/unsupported',
    ],
    [
      'a contract of no kind',
      ({ contract }) => ({ contract: { ...contract, input: {} } }),
      /^The contract is not valid at "input\.kind": /,
    ],
    [
      'a contract that contradicts itself',
      ({ contract }) => ({ contract: { ...contract, outputs: [...contract.outputs, ...contract.outputs] } }),
      /^The contract is not valid at "outputs": two outputs have the same name\.$/,
    ],
    [
      'golden vectors without a tolerance',
      ({ selfTest: { vectors } }) => ({ selfTest: { vectors, replay: 'passed' } }),
      /^The self-test is not valid at "tolerance": /,
    ],
  ])(
    'never serves, and the one before it does: %s',
    async (_, change, message, code = 'descriptor/invalid') => {
      const { device } = await loadedDevice(repository, { clock, ...journal })
      await repository.publish('3.0.0')
      await redescribe(repository, '3.0.0', (descriptor) => ({ ...descriptor, ...change(descriptor) }))
      await device.check()
      expect(await servedVersion(device)).toBe('2.0.0')
      expect(journal.of('rejected')).toMatchObject([{ version: '3.0.0', code }])
      const { failures } = await device.explain(MODEL)
      expect(failures).toMatchObject([{ version: '3.0.0', code, message: expect.stringMatching(message) }])
    },
  )

  test('leaves nothing to serve when there is no other', async () => {
    const alone = await makeRepository(['1.0.0'])
    await redescribe(alone, '1.0.0', (descriptor) => ({ ...descriptor, contract: null }))
    await expect(startDevice(alone).load(MODEL)).rejects.toMatchObject({
      code: 'descriptor/invalid',
      message: expect.stringMatching(
        /^No version of "learner-risk" works on this device: The contract is not/,
      ),
    })
  })

  test('is not even downloaded when it has none', async () => {
    const alone = await makeRepository(['1.0.0'])
    await redescribe(alone, '1.0.0', ({ contract: _none, ...rest }) => rest)
    await expect(startDevice(alone).load(MODEL)).rejects.toMatchObject({
      code: 'descriptor/invalid',
      message: expect.stringContaining('at "contract"'),
    })
    expect(alone.requests().filter((path) => path.startsWith('chunks/'))).toEqual([])
  })
})
