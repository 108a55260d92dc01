import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Browser, Page } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { explain, loadModel, predict } from '../e2e/support/device.js'
import { startWorld, type World } from '../e2e/support/world.js'

let world: World
let browser: Browser
let page: Page

beforeAll(async () => {
  world = await startWorld()
  browser = await launchChromium()
}, 60_000)

afterEach(async () => {
  world.server.clearFaults()
  await page.close()
})

afterAll(async () => {
  await browser?.close()
  await world?.close()
})

test('two tabs that load a model at once download it once', async () => {
  const asked: string[] = []
  world.server.fault('/repo/chunks/**', { kind: 'delay', ms: 300 })
  const open = async (): Promise<Page> => {
    const tab = await browser.open(world.url)
    tab.onRequest(({ url }) => void (url.includes('/repo/chunks/') && asked.push(url)))
    return tab
  }
  page = await open()
  const other = await open()
  const tabs = [page, other]
  const versions = await Promise.all(tabs.map((tab) => loadModel(tab, world, { namespace: 'two tabs' })))
  expect(versions).toEqual(['1.0.0', '1.0.0'])
  for (const tab of tabs) expect((await predict(tab)).modelVersion).toBe('1.0.0')
  expect(new Set(asked).size).toBe(asked.length)
  expect(asked.length).toBeGreaterThan(0)
  await other.close()
})

describe('another format of what is stored', () => {
  /** Writes an entry into a database as another release of the SDK would have left it. */
  const plant = (database: string, key: string, value: unknown): Promise<void> =>
    page.evaluate(
      (given) =>
        new Promise<void>((resolve, reject) => {
          const open = indexedDB.open(given.database)
          open.onupgradeneeded = () => open.result.createObjectStore('entries')
          open.onerror = () => reject(open.error ?? new Error('the database did not open'))
          open.onsuccess = () => {
            const transaction = open.result.transaction('entries', 'readwrite')
            transaction.objectStore('entries').put(given.value, given.key)
            transaction.oncomplete = () => {
              open.result.close()
              resolve()
            }
          }
        }),
      { database, key, value },
    )

  test('a newer one is left alone: this visit serves from memory, and says so', async () => {
    page = await browser.open(world.url)
    const warned: string[] = []
    page.onConsole(({ text }) => warned.push(text))
    await plant('afield-1-newer-state', 'format', 2)
    expect(await loadModel(page, world, { namespace: 'newer' })).toBe('1.0.0')
    expect((await predict(page)).modelVersion).toBe('1.0.0')
    expect(await explain(page)).toMatchObject({ storage: 'memory' })
    expect(warned.join()).toMatch(/A newer version of this app stores models in another format \(2\)/)
    const kept = await page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name))
    expect(kept).toContain('afield-1-newer-state')
  })

  test('an older one is taken out of use, and its models go once no tab has them open', async () => {
    page = await browser.open(world.url)
    await plant('afield-0-older-state', 'device', 'what format 0 kept')
    await plant('afield-0-older-blobs', 'chunk', 'what format 0 kept')
    expect(await loadModel(page, world, { namespace: 'older' })).toBe('1.0.0')
    await predict(page)
    const names = (): Promise<readonly (string | undefined)[]> =>
      page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name))
    await expect.poll(names).not.toContain('afield-0-older-blobs')
    expect(await names()).toContain('afield-0-older-state')
  })
})

test('an app sees what is stored, asks the browser to keep it, and removes it', async () => {
  page = await browser.open(world.url)
  await loadModel(page, world, { namespace: 'kept' })
  const seen = await page.evaluate(async () => ({
    report: await afield.storage(),
    persisted: await afield.persist(),
  }))
  expect(typeof seen.persisted).toBe('boolean')
  expect(seen.report).toMatchObject({
    kind: 'indexeddb',
    models: [{ model: 'learner-risk', versions: [{ version: '1.0.0', role: 'current' }] }],
    sentence: expect.stringMatching(/^On this device: learner-risk 1\.0\.0 \(current\); /),
  })
  expect(seen.report.quotaBytes).toBeGreaterThan(seen.report.usageBytes ?? Infinity)

  const after = await page.evaluate(
    async (record) => {
      await afield.remove('learner-risk')
      const refused: unknown = await model.predict(record).catch((error: unknown) => error)
      const { sentence } = await afield.storage()
      const again = await afield.load('learner-risk')
      const { modelVersion } = await again.predict(record)
      return { code: refused instanceof AfieldError ? refused.code : String(refused), sentence, modelVersion }
    },
    { hours_studied: 3, quiz_score: 42 },
  )
  expect(after).toEqual({
    code: 'model/not-found',
    sentence: 'No model is on this device.',
    modelVersion: '1.0.0',
  })
})

test('an app that wants to be asked is, on its page', async () => {
  page = await browser.open(world.url)
  const said = await page.evaluate(
    async (given) => {
      const asked: unknown[] = []
      const device = createAfield({
        ...given,
        namespace: 'asked',
        downloads: 'ask',
        onDownload: (request) => asked.push(request) > 1,
      })
      const first: unknown = await device.load('learner-risk').catch((error: unknown) => error)
      const second = await device.load('learner-risk')
      return {
        asked,
        code: first instanceof AfieldError ? first.code : String(first),
        version: second.version,
      }
    },
    { repository: `${world.server.url}/repo/`, root: world.root },
  )
  const request = { model: 'learner-risk', version: '1.0.0', bytes: expect.any(Number), reason: 'load' }
  expect(said).toEqual({ asked: [request, request], code: 'download/declined', version: '1.0.0' })
})
