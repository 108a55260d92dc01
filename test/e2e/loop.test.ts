import { deviceBucket } from '@afield/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Browser, Page } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import {
  RECORD,
  RISK,
  check,
  explain,
  flush,
  installApp,
  loadModel,
  predict,
  predictMany,
  refusal,
  telemetryTo,
} from './support/device.js'
import { startWorld, type World } from './support/world.js'

/** What this file's pages did, to be held against what the collector says they did. */
const done: { answers: Record<string, number>; errors: Record<string, Record<string, number>> } = {
  answers: {},
  errors: {},
}

describe('the loop: publish, load, predict, go offline, update, roll out, refuse, report', () => {
  let world: World
  let browser: Browser
  let page: Page

  beforeAll(async () => {
    world = await startWorld()
    browser = await launchChromium()
    page = await browser.open(world.url)
    await installApp(page)
  }, 60_000)

  afterAll(async () => {
    await browser?.close()
    await world?.close()
  })

  test('a first visit downloads, verifies and serves 1.0.0', async () => {
    expect(await loadModel(page, world, telemetryTo(world))).toBe('1.0.0')
    const prediction = await predict(page)
    count(prediction.modelVersion, 1)
    expect(prediction.outputs).toEqual({
      risk_score: expect.closeTo(RISK['1.0.0'] ?? 0, 1),
      needs_support: true,
    })
    expect(prediction).toMatchObject({
      model: 'learner-risk',
      modelVersion: '1.0.0',
      servedBy: 'model',
      backend: 'wasm',
    })
    expect(prediction.latencyMs).toBeGreaterThan(0)
  })

  test('records that do not fit are refused, and counted as errors of the version that serves', async () => {
    for (const bad of [{ quiz_score: 50 }, { hours_studied: 3, quiz_score: 'high' }, {}]) {
      await refuse('1.0.0', bad, 'input/invalid')
    }
    expect((await predict(page, RECORD)).modelVersion).toBe('1.0.0')
    count('1.0.0', 1)
  })

  test('a second visit makes no request at all before its first prediction', async () => {
    // The first visit looked once to load and once more after its first answer.
    const looks = (): number =>
      world.server.requests.filter(({ path }) => path.endsWith('/timestamp.json')).length
    await expect.poll(looks).toBe(2)
    world.server.clearRequests()
    await page.reload()
    await loadModel(page, world, telemetryTo(world))
    const { modelVersion, answeredAt } = await page.evaluate(async (record) => {
      const answer = await model.predict(record)
      return { ...answer, answeredAt: Date.now() }
    }, RECORD)
    count(modelVersion, 1)
    expect(world.server.requests.filter(({ at }) => at < answeredAt)).toEqual([])
    // The first look for news follows the first answer.
    await expect
      .poll(() => world.server.requests.map(({ path }) => path))
      .toContain('/repo/metadata/timestamp.json')
  })

  test('with the network gone, the page reloads and predicts', async () => {
    await world.server.stop()
    await page.reload()
    expect(await loadModel(page, world, telemetryTo(world))).toBe('1.0.0')
    for (const [version, answers] of Object.entries(await predictMany(page, 75))) count(version, answers)
    expect(await check(page)).toBe('manifest/unavailable')
    expect(await explain(page)).toMatchObject({
      version: '1.0.0',
      lastCheck: { error: 'manifest/unavailable' },
    })
    await world.server.start()
  })

  test('publishing 2.0.0 changes nothing on a device until a rollout means it', async () => {
    await world.publish('2.0.0')
    expect(await check(page)).toBe('checked')
    const { modelVersion } = await predict(page)
    count(modelVersion, 1)
    expect(modelVersion).toBe('1.0.0')
  })

  test('a canary of 50 % splits devices exactly as the hash says', async () => {
    await world.rollout('start', '--candidate', '2.0.0', '--steps', '50,100', '--seed', 'half')
    const devices = await page.evaluate(
      async ({ repository, root, record }) => {
        const seen = []
        for (let i = 0; i < 8; i++) {
          const device = createAfield({ repository, root, namespace: `device-${i}` })
          const { modelVersion, outputs } = await (await device.load('learner-risk')).predict(record)
          await device.close()
          seen.push({ namespace: `device-${i}`, modelVersion, risk: outputs['risk_score'] })
        }
        return seen
      },
      { repository: `${world.server.url}/repo/`, root: world.root, record: RECORD },
    )
    for (const { namespace, modelVersion, risk } of devices) {
      const meant = deviceBucket('half', await deviceIdOf(page, namespace)) < 5000 ? '2.0.0' : '1.0.0'
      expect(modelVersion).toBe(meant)
      expect(risk).toBeCloseTo(RISK[meant] ?? 0, 1)
    }
  })

  test('promoted, 2.0.0 serves everyone without a reload, and 1.0.0 stays on the device', async () => {
    await world.rollout('promote')
    expect(await check(page)).toBe('checked')
    const prediction = await predict(page)
    count(prediction.modelVersion, 1)
    expect(prediction).toMatchObject({
      modelVersion: '2.0.0',
      outputs: { risk_score: expect.closeTo(RISK['2.0.0'] ?? 0, 1) },
    })
    await refuse('2.0.0', { hours_studied: 3, quiz_score: 500 }, 'input/invalid')
    const { models } = await page.evaluate(() => afield.storage())
    expect(models[0]?.versions.map(({ version, role }) => [version, role])).toEqual([
      ['1.0.0', 'previous'],
      ['2.0.0', 'current'],
    ])
  })

  test('a broken 3.0.0 does not publish; forced out to everyone, no device serves it', async () => {
    await expect(world.publish('3.0.0')).rejects.toThrow(/golden vector/)
    await world.publish('3.0.0', '--skip-replay')
    await world.rollout('start', '--candidate', '3.0.0', '--steps', '100')
    expect(await check(page)).toBe('checked')
    for (const [version, answers] of Object.entries(await predictMany(page, 30))) count(version, answers)
    countError('3.0.0', 'model/self-test-failed')
    await refuse('2.0.0', { hours_studied: 3 }, 'input/invalid')
    const explanation = await explain(page)
    expect(explanation).toMatchObject({
      version: '2.0.0',
      reason: 'candidate-failed-here',
      failures: [{ version: '3.0.0', code: 'model/self-test-failed' }],
    })
    expect(explanation.sentence).toMatch(/3\.0\.0 failed here: golden vector 1 promises risk_score/)
  })

  test('killed, the model answers nothing; revived, it answers at once and downloads nothing', async () => {
    await world.rollout('kill')
    expect(await check(page)).toBe('checked')
    expect(await page.evaluate(() => model.version ?? 'none')).toBe('none')
    // What a refused model cannot answer is an error of the version that served last.
    await refuse('2.0.0', RECORD, 'model/killed')
    await world.rollout('revive')
    world.server.clearRequests()
    expect(await check(page)).toBe('checked')
    const { modelVersion } = await predict(page)
    count(modelVersion, 1)
    expect(modelVersion).toBe('2.0.0')
    expect(world.server.requests.filter(({ path }) => path.includes('/chunks/'))).toEqual([])
  })

  test("the collector's counts equal what the pages did, exactly", async () => {
    // Hidden and closed without a word: the page's mark carries what was not durable.
    await page.close()
    page = await browser.open(world.url)
    await loadModel(page, world, telemetryTo(world))
    await flush(page)
    const rows = (await world.collector.versions()).versions.filter((row) => !row.withheld)
    const answered = rows.filter(({ served }) => served > 0)
    expect(Object.fromEntries(answered.map(({ version, served }) => [version, served]))).toEqual(done.answers)
    const failed = rows.filter(({ errors }) => Object.keys(errors).length > 0)
    expect(Object.fromEntries(failed.map(({ version, errors }) => [version, errors]))).toEqual(done.errors)
  })

  /** Predicts what must be refused, and remembers for which version it counts. */
  async function refuse(version: string, record: object, code: string): Promise<void> {
    expect((await refusal(page, record)).code).toBe(code)
    countError(version, code)
  }
})

function countError(version: string, code: string): void {
  const errors = (done.errors[version] ??= {})
  errors[code] = (errors[code] ?? 0) + 1
}

function count(version: string, answers: number): void {
  done.answers[version] = (done.answers[version] ?? 0) + answers
}

/** The device's id, which never leaves it, out of its IndexedDB. */
function deviceIdOf(page: Page, namespace: string): Promise<string> {
  return page.evaluate(
    (name) =>
      new Promise<string>((resolve, reject) => {
        const open = indexedDB.open(`afield-1-${name}-state`)
        open.onerror = () => reject(open.error ?? new Error('the database did not open'))
        open.onsuccess = () => {
          const request = open.result.transaction('entries').objectStore('entries').get('device')
          request.onsuccess = () => resolve(String(request.result))
          request.onerror = () => reject(request.error ?? new Error('the device has no id'))
        }
      }),
    namespace,
  )
}
