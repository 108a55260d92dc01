import { beforeEach, expect, test } from 'vitest'
import { loadedDevice, servedVersion, startDevice } from './support/devices.js'
import { keepJournal } from './support/journal.js'
import { DIGITS, MODEL, makeRepository, type TestRepository } from './support/repository.js'
import { replaceDocument } from './support/signed-changes.js'

let repository: TestRepository

beforeEach(async () => {
  repository = await makeRepository(['1.0.0'])
  await repository.publishDigits()
  await repository.rollout({ kind: 'start', stable: '1.0.0' })
})

/** The example model gets a rollout that devices refuse; the other model gets a new version. */
async function publishGoodAndBad(): Promise<void> {
  await repository.publishDigits('2.0.0')
  await replaceDocument(repository.dir, 'rollouts', (rollout) => ({ ...rollout, seed: 'another' }))
}

test('news of a model are served although those of another are refused, and the check says what was', async () => {
  const journal = keepJournal()
  const { device, storage } = await loadedDevice(repository, journal)
  await device.load(DIGITS)
  await publishGoodAndBad()

  await expect(device.check()).rejects.toMatchObject({ code: 'rollout/invalid' })
  expect((await device.explain(DIGITS)).version).toBe('2.0.0')
  expect(await servedVersion(device)).toBe('1.0.0')
  expect(journal.of('checked').at(-1)).toMatchObject({ error: { code: 'rollout/invalid' } })
  expect(await device.explain(MODEL)).toMatchObject({ lastCheck: { error: 'rollout/invalid' } })
  await device.close()

  // Both serve at the next start, with the repository out of reach.
  await repository.server.stop()
  const next = await loadedDevice(repository, { storage })
  expect(await servedVersion(next.device)).toBe('1.0.0')
  expect(await next.device.load(DIGITS)).toMatchObject({ version: '2.0.0' })
})

test('a model that comes with a refused document loads as soon as it is mended', async () => {
  const device = startDevice(repository)
  await device.load(DIGITS)
  repository.server.fault('/repository/targets/models/*.learner-risk.json', { kind: 'html' })
  await expect(device.load(MODEL)).rejects.toMatchObject({ code: 'manifest/hash-mismatch' })
  expect((await device.explain(DIGITS)).version).toBe('1.0.0')
  repository.server.clearFaults()
  await device.load(MODEL)
  expect(await servedVersion(device)).toBe('1.0.0')
})
