import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { publish } from '@afield/cli'
import { beforeEach, expect, test } from 'vitest'
import { HOUR, TestClock } from './support/clock.js'
import { loadedDevice, servedVersion, startDevice } from './support/devices.js'
import { keepJournal } from './support/journal.js'
import { MODEL, makeRepository, type TestRepository } from './support/repository.js'

const example = (path: string): string =>
  fileURLToPath(new URL(`../../examples/learner-risk/${path}`, import.meta.url))

let repository: TestRepository

beforeEach(async () => {
  repository = await makeRepository([])
})

/** Publishes a version for an onnxruntime that no device has yet. */
async function publishForTomorrow(version: '1.0.0' | '2.0.0'): Promise<void> {
  const config = JSON.parse(await readFile(example('afield.config.json'), 'utf8')) as object
  const path = join(dirname(repository.dir), 'tomorrow.config.json')
  await writeFile(path, JSON.stringify({ ...config, runtime: { ort: '>=99.0.0' } }))
  const model = example(`models/learner-risk-${version}.onnx`)
  await publish({ repo: repository.dir, model, version, config: path, author: 'Tests' })
}

const chunkRequests = () => repository.requests().filter((path) => path.startsWith('chunks/')).length

test('a version for another onnxruntime is refused before its first chunk; the one before it serves', async () => {
  await repository.publish('1.0.0')
  const clock = new TestClock()
  const journal = keepJournal()
  const { device } = await loadedDevice(repository, { clock, ...journal })
  const before = chunkRequests()
  await publishForTomorrow('2.0.0')
  await device.check()
  expect(chunkRequests()).toBe(before)
  expect(await servedVersion(device)).toBe('1.0.0')
  expect(journal.of('rejected')).toMatchObject([
    {
      version: '2.0.0',
      code: 'platform/unsupported',
      message: expect.stringContaining('needs onnxruntime-web >=99.0.0'),
    },
  ])
  expect((await device.explain(MODEL)).sentence).toContain('2.0.0 failed here: This version needs')

  await device.check()
  expect(journal.of('rejected')).toHaveLength(1)
  clock.advance(HOUR)
  await device.check()
  expect(journal.of('rejected')).toHaveLength(2)
  expect(chunkRequests()).toBe(before)
})

test('a first visit takes the newest version that runs here', async () => {
  await repository.publish('1.0.0')
  await publishForTomorrow('2.0.0')
  const device = startDevice(repository, { ...keepJournal() })
  await device.load(MODEL)
  expect(await servedVersion(device)).toBe('1.0.0')
})

test('where nothing runs here, load() says what is needed', async () => {
  await publishForTomorrow('1.0.0')
  const device = startDevice(repository, { ...keepJournal() })
  await expect(device.load(MODEL)).rejects.toMatchObject({
    code: 'platform/unsupported',
    message: expect.stringContaining('needs onnxruntime-web >=99.0.0'),
  })
  expect(chunkRequests()).toBe(0)
})
