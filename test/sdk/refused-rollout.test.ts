import { expect, test } from 'vitest'
import { loadedDevice, servedVersion } from './support/devices.js'
import { keepJournal } from './support/journal.js'
import { makeRepository } from './support/repository.js'
import { replaceDocument } from './support/signed-changes.js'

test('a signed change that would move devices behind the team is refused by the device too', async () => {
  const repository = await makeRepository(['1.0.0', '2.0.0'])
  await repository.rollout({ kind: 'start', candidate: '2.0.0', stable: '1.0.0', steps: [10_000] })
  const journal = keepJournal()
  const { device } = await loadedDevice(repository, journal)
  expect(await servedVersion(device)).toBe('2.0.0')

  await replaceDocument(repository.dir, 'rollouts', (rollout) => ({
    ...rollout,
    seed: 'another',
  }))
  await expect(device.check()).rejects.toMatchObject({
    code: 'rollout/invalid',
    message: 'This rollout change is refused: the seed changed inside an epoch. Start a new rollout instead.',
  })
  expect(await servedVersion(device)).toBe('2.0.0')
  expect(journal.of('checked').at(-1)).toMatchObject({ error: { code: 'rollout/invalid' } })
})
