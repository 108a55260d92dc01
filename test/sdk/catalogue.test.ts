import { beforeAll, describe, expect, test } from 'vitest'
import { RECORD, copyStorage, loadedDevice, promisedRisk, startDevice } from './support/devices.js'
import { DIGITS, MODEL, makeRepository, type TestRepository } from './support/repository.js'
import { replaceDocument } from './support/signed-changes.js'

let repository: TestRepository

beforeAll(async () => {
  repository = await makeRepository(['1.0.0', '2.0.0', '3.0.0'])
  await repository.publishAs('10.0.0-rc.1', '2.0.0')
  await repository.publishDigits()
  await repository.rollout({ kind: 'start', stable: '1.0.0' })
  await repository.rollout({ kind: 'alias', alias: 'field-study', version: '2.0.0' })
  await replaceDocument(repository.dir, 'models', (index) => {
    const versions = index['versions'] as Record<string, object>
    const revoked = { author: 'Ada', reason: 'a leak', at: '2026-11-21T12:00:00Z' }
    return { ...index, versions: { ...versions, '3.0.0': { ...versions['3.0.0'], revoked } } }
  })
})

describe('versions()', () => {
  test('lists every version, newest first, with what of it is here', async () => {
    const { device } = await loadedDevice(repository)
    repository.server.clearRequests()
    const versions = await device.versions(MODEL)
    const created = expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string
    const elsewhere = { created, onDevice: false, serves: false, aliases: [] }
    expect(versions).toEqual([
      { ...elsewhere, version: '10.0.0-rc.1' },
      { ...elsewhere, version: '3.0.0', revoked: { at: '2026-11-21T12:00:00Z', reason: 'a leak' } },
      { ...elsewhere, version: '2.0.0', aliases: ['field-study'] },
      { ...elsewhere, version: '1.0.0', onDevice: true, serves: true },
    ])
    expect(repository.requests()).toEqual([])
  })

  test('names what load() takes: by number and by alias, each beside the other', async () => {
    const { device } = await loadedDevice(repository)
    const listed = await device.versions(MODEL)
    for (const { version, aliases } of listed.filter(({ revoked }) => !revoked)) {
      for (const name of [version, ...aliases]) {
        expect(await device.load(MODEL, name)).toMatchObject({ version, arm: 'pinned' })
      }
    }
    const [revoked] = listed.filter((one) => one.revoked)
    await expect(device.load(MODEL, revoked?.version)).rejects.toMatchObject({ code: 'model/revoked' })
    expect(
      (await device.versions(MODEL)).filter(({ serves }) => serves).map(({ version }) => version),
    ).toEqual(['10.0.0-rc.1', '2.0.0', '1.0.0'])
    const risk = (await device.predict(`${MODEL}@field-study`, RECORD)).outputs['risk_score']
    expect(risk).toBeCloseTo(await promisedRisk('2.0.0'), 3)
  })

  test('works offline on the next visit, before anything is loaded', async () => {
    const { storage } = await loadedDevice(repository)
    const offline = startDevice(repository, { storage: await copyStorage(storage), policy: 'offline' })
    expect(await offline.versions(MODEL)).toMatchObject([
      { version: '10.0.0-rc.1' },
      { version: '3.0.0' },
      { version: '2.0.0', onDevice: false },
      { version: '1.0.0', onDevice: true, serves: false },
    ])
    await expect(offline.versions(DIGITS)).rejects.toMatchObject({ code: 'model/not-found' })
  })

  test('asks the repository of a model that it never heard of, once', async () => {
    const { device } = await loadedDevice(repository)
    repository.server.clearRequests()
    const listed = [{ version: '1.0.0', onDevice: false, serves: false, aliases: [] }]
    expect(await device.versions(DIGITS)).toMatchObject(listed)
    const asked = repository.requests().length
    expect(asked).toBeGreaterThan(0)
    expect(await device.versions(DIGITS)).toMatchObject(listed)
    expect(repository.requests()).toHaveLength(asked)
  })

  test('a version that was removed is no longer on the device', async () => {
    const first = await loadedDevice(repository)
    await first.device.load(MODEL, '2.0.0')
    await first.device.close()
    const { device } = await loadedDevice(repository, { storage: first.storage })
    const two = async () => (await device.versions(MODEL)).find(({ version }) => version === '2.0.0')
    expect(await two()).toMatchObject({ onDevice: true, serves: false })
    await device.keeper.remove(MODEL, { version: '2.0.0' })
    expect(await two()).toMatchObject({ onDevice: false })
  })

  test.each(['nobody', '../etc', ''])('of a model that is not there is refused: "%s"', async (name) => {
    const { device } = await loadedDevice(repository)
    await expect(device.versions(name)).rejects.toMatchObject({ code: 'model/not-found' })
  })

  test('says why when the repository is out of reach', async () => {
    const own = await makeRepository(['1.0.0'])
    await own.server.close()
    await expect(startDevice(own).versions(MODEL)).rejects.toMatchObject({ code: 'manifest/unavailable' })
  })
})

describe('the logger', () => {
  test('hears levels and errors, and never what was asked or answered', async () => {
    const own = await makeRepository(['1.0.0'])
    const heard: { level: string; message: string; code: string | undefined }[] = []
    const { device } = await loadedDevice(own, {
      logger: (level, message, error) => heard.push({ level, message, code: error?.code }),
    })
    await device.predict(MODEL, { hours_studied: 12.515625, quiz_score: 61.0390625 })
    await device
      .predict(MODEL, { hours_studied: 'sieben Stunden', quiz_score: 61.0390625 })
      .catch(() => undefined)
    own.server.fault('/repository/metadata/timestamp.json', { kind: 'html' })
    await device.check().catch(() => undefined)
    await own.publish('3.0.0')
    own.server.clearFaults()
    await device.check()
    expect(heard).toContainEqual({
      level: 'warn',
      message: 'learner-risk 3.0.0 failed on this device and is not served.',
      code: 'model/self-test-failed',
    })
    expect(heard.filter(({ level }) => !['debug', 'info', 'warn', 'error'].includes(level))).toEqual([])
    expect(JSON.stringify(heard)).not.toMatch(/12\.515625|61\.039|sieben|hours_studied/)
  })
})
