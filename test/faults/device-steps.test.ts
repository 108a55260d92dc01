import { rotate } from '@afield/cli'
import { STEPS, memoryStorage, type Step } from 'afield/node'
import { beforeEach, describe, expect, test } from 'vitest'
import { copyStorage, loadedDevice, servedVersion, startDevice } from '../sdk/support/devices.js'
import { MODEL, makeRepository, type TestRepository } from '../sdk/support/repository.js'

let repository: TestRepository

beforeEach(async () => {
  repository = await makeRepository(['1.0.0'])
})

/** Once armed, what comes to the step stops there for ever, and so does all that comes after it. */
function fatal(last: Step) {
  let die: () => void = () => undefined
  const death = new Promise<void>((resolve) => (die = resolve))
  let armed = false
  let dead = false
  return {
    death,
    arm: () => void (armed = true),
    atStep: (step: Step): Promise<void> => {
      dead ||= armed && step === last
      if (!dead) return Promise.resolve()
      die()
      return new Promise(() => undefined)
    },
  }
}

/** A new root, so that a check comes by `check/root-accepted`, too. */
const newRoot = (): Promise<unknown> => rotate({ repo: repository.dir, owner: 'ops' })

describe.each(STEPS)('a device that dies at %s', (step) => {
  test('of its first load serves at the next start', async () => {
    const { arm, atStep, death } = fatal(step)
    const storage = memoryStorage()
    await newRoot()
    arm()
    void startDevice(repository, { storage, atStep }).load(MODEL)
    await death
    const next = await loadedDevice(repository, { storage: await copyStorage(storage) })
    expect(await servedVersion(next.device)).toBe('1.0.0')
  })

  test('of an update serves a verified version at the next start, offline, and then finishes it', async () => {
    const { arm, atStep, death } = fatal(step)
    const { device, storage } = await loadedDevice(repository, { atStep })
    await newRoot()
    await repository.publish('2.0.0')
    arm()
    void device.check()
    await death

    await repository.server.stop()
    const next = await loadedDevice(repository, { storage: await copyStorage(storage) })
    expect(await servedVersion(next.device)).toMatch(/^[12]\.0\.0$/)
    await repository.server.start()
    await next.device.check()
    expect(await servedVersion(next.device)).toBe('2.0.0')
    expect(await next.device.explain(MODEL)).toMatchObject({ failures: [] })
  })
})
