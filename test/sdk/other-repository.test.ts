import { memoryStorage } from 'afield/node'
import { expect, test } from 'vitest'
import { startDevice } from './support/devices.js'
import { MODEL, makeRepository } from './support/repository.js'

test('a repository with other keys starts afresh on the same device: nothing of the old one counts', async () => {
  const storage = memoryStorage()
  const old = await makeRepository(['1.0.0', '2.0.0', '3.0.0'])
  await old.rollout({ kind: 'start', stable: '2.0.0', candidate: '3.0.0', steps: [10_000] })
  const before = startDevice(old, { storage })
  await before.load(MODEL)
  expect(await before.explain(MODEL)).toMatchObject({ version: '2.0.0', failures: [{ version: '3.0.0' }] })
  await before.close()

  const next = await makeRepository(['1.0.0', '2.0.0'])
  await next.rollout({ kind: 'start', stable: '1.0.0', candidate: '2.0.0', steps: [1, 10_000] })
  const after = startDevice(next, { storage })
  await after.load(MODEL)
  const explanation = await after.explain(MODEL)
  expect(explanation).toMatchObject({
    version: (explanation.bucket ?? 0) < 1 ? '2.0.0' : '1.0.0',
    failures: [],
  })
  await after.close()
})
