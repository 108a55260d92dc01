import { memoryStorage } from 'afield/node'
import { expect, test } from 'vitest'
import { DAY, TestClock } from './support/clock.js'
import { servedVersion, startDevice } from './support/devices.js'
import { keepJournal } from './support/journal.js'
import { MODEL, makeRepository, type TestRepository } from './support/repository.js'

/** What a device has whose first download was interrupted. */
async function interrupted(repository: TestRepository) {
  const storage = memoryStorage()
  repository.server.fault('/repository/chunks/**', { kind: 'refuse' })
  const device = startDevice(repository, { storage })
  await expect(device.load(MODEL)).rejects.toMatchObject({ code: 'chunk/unavailable' })
  await device.close()
  repository.server.clearFaults()
  return storage
}

test('an interrupted download ends although the metadata is out of reach', async () => {
  const repository = await makeRepository(['1.0.0'])
  const storage = await interrupted(repository)
  repository.server.fault('/repository/metadata/**', { kind: 'refuse' })
  const journal = keepJournal()
  const device = startDevice(repository, { storage, ...journal })
  await device.load(MODEL)
  expect(await servedVersion(device)).toBe('1.0.0')
  expect(journal.logged).toContainEqual(
    expect.objectContaining({ message: 'The check failed; what is known is downloaded.' }),
  )
})

test('and although it has expired', async () => {
  const repository = await makeRepository(['1.0.0'])
  const storage = await interrupted(repository)
  const device = startDevice(repository, { storage, clock: new TestClock(Date.now() + 4000 * DAY) })
  await device.load(MODEL)
  expect(await servedVersion(device)).toBe('1.0.0')
})

test('where the bytes are out of reach too, the check says why', async () => {
  const repository = await makeRepository(['1.0.0'])
  const storage = await interrupted(repository)
  repository.server.fault('/**', { kind: 'refuse' })
  await expect(startDevice(repository, { storage }).load(MODEL)).rejects.toMatchObject({
    code: 'manifest/unavailable',
  })
})
