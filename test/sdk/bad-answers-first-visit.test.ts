import { memoryStorage } from 'afield/node'
import { afterEach, beforeAll, expect, test } from 'vitest'
import type { Fault } from '../servers/faults.js'
import { BAD_ANSWERS } from './support/bad-answers.js'
import { servedVersion, startDevice } from './support/devices.js'
import { keepJournal } from './support/journal.js'
import { MODEL, makeRepository, type TestRepository } from './support/repository.js'

let repository: TestRepository

beforeAll(async () => {
  repository = await makeRepository(['1.0.0', '2.0.0'])
  await repository.rollout({ kind: 'start', candidate: '2.0.0', stable: '1.0.0', steps: [10_000] })
})

afterEach(() => repository.server.clearFaults())

test.each(BAD_ANSWERS)(
  '$file $name: $code, and the next load succeeds',
  async ({ pattern, fault, code, advice }) => {
    const storage = memoryStorage()
    const device = startDevice(repository, { storage })
    repository.server.fault(pattern, fault)
    await expect(device.load(MODEL)).rejects.toMatchObject({
      name: 'AfieldError',
      code,
      message: expect.stringMatching(advice),
    })
    // Asked all the same, it tries again and says the same.
    await expect(servedVersion(device)).rejects.toMatchObject({ code })

    repository.server.clearFaults()
    await device.load(MODEL)
    expect(await servedVersion(device)).toBe('2.0.0')
  },
)

test('a chunk that is damaged once is fetched again, and the app notices nothing', async () => {
  const journal = keepJournal()
  const device = startDevice(repository, journal)
  repository.server.clearRequests()
  repository.server.fault('/repository/chunks/**', { kind: 'corrupt', times: 1 })
  await device.load(MODEL)
  expect(await servedVersion(device)).toBe('2.0.0')
  expect(repository.requests().filter((path) => path.startsWith('chunks/'))).toHaveLength(2)
  expect(journal.warnings()).toEqual([])
})

test('a timestamp that somebody else wrote: manifest/signature', async () => {
  const { signatures, signed } = JSON.parse(
    await (await fetch(`${repository.url}metadata/timestamp.json`)).text(),
  ) as { signatures: unknown; signed: object }
  const forged = JSON.stringify({ signatures, signed: { ...signed, version: 99 } })
  repository.server.fault('/repository/metadata/timestamp.json', { kind: 'replace', body: forged })
  await expect(startDevice(repository).load(MODEL)).rejects.toMatchObject({
    code: 'manifest/signature',
    message: expect.stringContaining('Check that the app bundles the root.json of this repository'),
  })
})

test.each<[string, Fault]>([
  ['a web page', { kind: 'html' }],
  ['a web page of a megabyte', { kind: 'replace', body: `<!doctype html>${' '.repeat(1024 * 1024)}` }],
  ['an empty answer', { kind: 'replace', body: '' }],
  ['a refusal', { kind: 'status', status: 403 }],
])('%s in place of the next root is the usual "there is none"', async (_, fault) => {
  repository.server.fault('/repository/metadata/2.root.json', fault)
  const device = startDevice(repository)
  await device.load(MODEL)
  expect(await servedVersion(device)).toBe('2.0.0')
})

test("a root that is another repository's is refused", async () => {
  const other = await makeRepository([])
  const device = startDevice({ url: repository.url, root: other.root })
  await expect(device.load(MODEL)).rejects.toMatchObject({ code: 'manifest/signature' })
})

test('a root that is none is refused', async () => {
  const device = startDevice({ url: repository.url, root: '<!doctype html>' })
  await expect(device.load(MODEL)).rejects.toMatchObject({ code: 'manifest/invalid' })
})
