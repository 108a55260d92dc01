import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { loadedDevice, startDevice } from './support/devices.js'
import { DIGITS, MODEL, makeRepository, type TestRepository } from './support/repository.js'

let repository: TestRepository

beforeEach(async () => {
  repository = await makeRepository(['1.0.0'])
})

/** Bytes of the files that devices asked for, as they lie in the repository: descriptors and chunks. */
async function bytesAsked(): Promise<number> {
  const files = repository.requests().filter((path) => /^(chunks|descriptors)\//.test(path))
  const sizes = files.map(async (path) => (await readFile(join(repository.dir, path))).length)
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

test('counts what the repository sent for a model, and what of it is stored', async () => {
  const { device, storage } = await loadedDevice(repository)
  const first = await device.keeper.usage(MODEL)
  expect(first.fetched).toBe(await bytesAsked())
  expect(first.stored).toBeGreaterThan(0)
  await repository.publish('2.0.0')
  await device.check()
  const second = await device.keeper.usage(MODEL)
  expect(second.fetched).toBe(await bytesAsked())
  expect(second.stored).toBeGreaterThan(first.stored)
  const next = await loadedDevice(repository, { storage })
  expect(await next.device.keeper.usage(MODEL)).toEqual({ stored: second.stored, fetched: 0 })
})

test('of each model for itself', async () => {
  await repository.publishDigits()
  const { device } = await loadedDevice(repository)
  const alone = await device.keeper.usage(MODEL)
  await device.load(DIGITS)
  expect(await device.keeper.usage(MODEL)).toEqual(alone)
  expect((await device.keeper.usage(DIGITS)).fetched).toBe((await bytesAsked()) - alone.fetched)
  expect(await device.keeper.usage('nobody')).toEqual({ stored: 0, fetched: 0 })
})

test('counts what came in vain too, and nothing that the app itself ships', async () => {
  const [folder = ''] = await readdir(join(repository.dir, 'descriptors'))
  const { length } = await readFile(join(repository.dir, 'descriptors', folder))
  repository.server.fault('/repository/descriptors/**', { kind: 'corrupt', times: 1 })
  const { device } = await loadedDevice(repository)
  expect((await device.keeper.usage(MODEL)).fetched).toBe(await bytesAsked())
  expect(repository.requests().filter((path) => path.startsWith('descriptors/')).length).toBe(2)
  expect((await device.keeper.usage(MODEL)).fetched).toBeGreaterThan(2 * length)
  const seeded = startDevice({ url: 'http://127.0.0.1:9/', root: repository.root }, { seed: repository.url })
  await seeded.load(MODEL)
  const { stored, fetched } = await seeded.keeper.usage(MODEL)
  expect(stored).toBeGreaterThan(0)
  expect(fetched).toBe(0)
})
