import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startServer } from '../servers/static.js'
import { RECORD, loadedDevice, servedVersion, startDevice } from './support/devices.js'
import { holdBack } from './support/hold-back.js'
import { DIGITS, MODEL, makeRepository } from './support/repository.js'

test('a kill of one model does not wait for the download of another', async () => {
  const repository = await makeRepository(['1.0.0'])
  await repository.publishDigits('1.0.0')
  await repository.rollout({ kind: 'start', stable: '1.0.0' })
  const device = startDevice(repository)
  // The one that will download comes first.
  await device.load(DIGITS)
  await device.load(MODEL)
  await repository.publishDigits('2.0.0')
  await repository.rollout({ kind: 'kill', what: 'model' })
  const { letGo } = holdBack(repository, 'descriptors/**')
  const slow = device.check()
  const refusal = () =>
    device.predict(MODEL, RECORD).then(
      () => undefined,
      (error: unknown) => error,
    )
  await expect.poll(refusal, { timeout: 5000 }).toMatchObject({ code: 'model/killed' })
  letGo()
  await slow
})

test('what serves is loaded again at once, also while its update downloads', async () => {
  const repository = await makeRepository(['1.0.0'])
  const { device } = await loadedDevice(repository)
  await repository.publish('2.0.0')
  const { asked, letGo } = holdBack(repository, 'chunks/**')
  const slow = device.check()
  await asked()
  expect(await device.load(MODEL)).toMatchObject({ version: '1.0.0' })
  letGo()
  await slow
})

test('a model is removed while its update waits for an answer that never comes', async () => {
  const repository = await makeRepository(['1.0.0'])
  let asked = 0
  const { device } = await loadedDevice(repository, {
    downloads: 'ask',
    onDownload: ({ reason }) => reason === 'load' || (asked++, new Promise<boolean>(() => undefined)),
  })
  await repository.publish('2.0.0')
  const check = device.check()
  await expect.poll(() => asked).toBe(1)
  await device.keeper.remove(MODEL)
  await check
  await expect(device.predict(MODEL, RECORD)).rejects.toMatchObject({ code: 'model/not-found' })
})

test('a model that is removed and loaded in one breath follows its rollout as before', async () => {
  const repository = await makeRepository(['1.0.0'])
  const { device } = await loadedDevice(repository)
  const removed = device.keeper.remove(MODEL)
  const loaded = device.load(MODEL)
  await Promise.all([removed, loaded])
  await repository.rollout({ kind: 'kill', what: 'model' })
  await device.check()
  await expect(device.predict(MODEL, RECORD)).rejects.toMatchObject({ code: 'model/killed' })
})

test('two models are loaded at once from a seed, with the repository never reached', async () => {
  const repository = await makeRepository(['1.0.0'])
  await repository.publishDigits('1.0.0')
  const folder = await mkdtemp(join(tmpdir(), 'afield-seed-'))
  await cp(repository.dir, folder, { recursive: true })
  const app = await startServer({ mounts: { '/seed': folder } })
  await repository.server.stop()
  try {
    const device = startDevice(repository, { seed: `${app.url}/seed/` })
    await Promise.all([device.load(MODEL), device.load(DIGITS)])
    expect(await servedVersion(device)).toBe('1.0.0')
  } finally {
    await app.close()
    await rm(folder, { recursive: true, force: true })
  }
})

test('a first download that the app declined is not asked about again in the background', async () => {
  const repository = await makeRepository(['1.0.0'])
  let asked = 0
  const device = startDevice(repository, { downloads: 'ask', onDownload: () => (asked++, false) })
  await expect(device.load(MODEL)).rejects.toMatchObject({ code: 'download/declined' })
  await device.check()
  expect(asked).toBe(1)
})

test('a name that no model has spoils no later check', async () => {
  const repository = await makeRepository(['1.0.0'])
  const { device } = await loadedDevice(repository)
  await expect(device.load('learner-rsik')).rejects.toMatchObject({ code: 'model/not-found' })
  await expect(device.load('Not a name')).rejects.toMatchObject({ code: 'model/not-found' })
  await device.check()
  expect((await device.explain(MODEL)).lastCheck).toMatchObject({ error: undefined })
})
