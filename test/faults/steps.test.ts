import type { Step } from 'afield'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Browser, Page } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { check, loadModel, predict } from '../e2e/support/device.js'
import { startWorld, type World } from '../e2e/support/world.js'

declare global {
  /** The step at which the device waits, and what lets it go on. */
  var waiting: { readonly step: string; readonly goOn: () => void } | undefined
  var armed: boolean
  /** The engines of this page, the newest last. */
  var engines: Worker[]
}

/** Every step is gone through on a device in Node; here are those at which a browser has most to lose. */
const TAB: readonly Step[] = [
  'check/documents-verified',
  'check/stored',
  'download/chunk-stored',
  'trial/written',
  'trial/session-made',
  'swap/served',
]
const ENGINE: readonly Step[] = ['trial/session-made', 'swap/served']
const NETWORK: readonly Step[] = ['check/started', 'check/stored', 'download/started']

let world: World
let browser: Browser
let page: Page

/** Each case is a device of its own that serves 1.0.0 and is about to hear of 2.0.0. */
beforeAll(async () => {
  world = await startWorld()
  browser = await launchChromium()
  page = await browser.open(world.url)
  const cases = { tab: TAB, engine: ENGINE, network: NETWORK }
  for (const [what, steps] of Object.entries(cases)) {
    for (const step of steps) {
      await loadModel(page, world, { namespace: `${what} ${step}` })
      await page.evaluate(() => afield.close())
    }
  }
  await world.publish('2.0.0')
  await world.rollout('start', '--stable', '2.0.0')
  await page.close()
}, 120_000)

afterEach(async () => {
  world.server.clearFaults()
  await page.close()
})

afterAll(async () => {
  await browser?.close()
  await world?.close()
})

/** Opens a page on a device, has it look for news, and returns when it waits at a step of the update. */
async function stopAt(step: Step, namespace: string): Promise<void> {
  page = await browser.open(world.url)
  await page.evaluate(
    async (given) => {
      globalThis.armed = false
      globalThis.engines = []
      globalThis.Worker = class extends Worker {
        constructor(url: string | URL, init?: WorkerOptions) {
          super(url, init)
          if (init?.name === 'afield engine') engines.push(this)
        }
      }
      globalThis.afield = createAfield({
        repository: given.repository,
        root: given.root,
        namespace: given.namespace,
        logger: () => undefined,
        atStep: (at) => {
          if (!armed || at !== given.step || globalThis.waiting) return undefined
          return new Promise((goOn) => (globalThis.waiting = { step: at, goOn }))
        },
      })
      globalThis.model = await afield.load('learner-risk')
      globalThis.armed = true
      void afield.check().catch(() => undefined)
    },
    { repository: `${world.server.url}/repo/`, root: world.root, namespace, step },
  )
  await expect.poll(() => page.evaluate(() => globalThis.waiting?.step ?? ''), { timeout: 10_000 }).toBe(step)
}

/** What any start after a death must do: serve without the repository, then finish the update. Says what serves. */
async function startsWell(namespace: string): Promise<string> {
  page = await browser.open(world.url)
  world.server.fault('/repo/**', { kind: 'refuse' })
  expect(await loadModel(page, world, { namespace })).toMatch(/^[12]\.0\.0$/)
  expect((await predict(page)).modelVersion).toMatch(/^[12]\.0\.0$/)
  world.server.clearFaults()
  expect(await check(page)).toBe('checked')
  return (await predict(page)).modelVersion
}

describe('a tab that is killed in an update, at', () => {
  test.each(TAB)('%s: the next one serves, and finishes the update', async (step) => {
    const namespace = `tab ${step}`
    await stopAt(step, namespace)
    await page.kill()
    expect(await startsWell(namespace)).toBe('2.0.0')
  })
})

describe('an engine that dies in an update, at', () => {
  test.each(ENGINE)('%s: the page goes on predicting, and the next one finishes the update', async (step) => {
    const namespace = `engine ${step}`
    await stopAt(step, namespace)
    await page.evaluate(() => {
      const engine = engines.at(-1)
      engine?.terminate()
      // What a browser sends when a worker's memory runs out; one that is ended by hand sends nothing.
      engine?.dispatchEvent(new ErrorEvent('error', { message: 'out of memory', cancelable: true }))
      globalThis.waiting?.goOn()
    })
    await expect.poll(() => predict(page).then(({ modelVersion }) => modelVersion)).toMatch(/^[12]\.0\.0$/)
    await page.close()
    expect(await startsWell(namespace)).toBe('2.0.0')
  })
})

describe('a network that is cut in an update, at', () => {
  test.each(NETWORK)(
    '%s: the page goes on predicting, and the next one finishes the update',
    async (step) => {
      const namespace = `network ${step}`
      await stopAt(step, namespace)
      world.server.fault('/repo/**', { kind: 'refuse' })
      await page.evaluate(() => globalThis.waiting?.goOn())
      expect((await predict(page)).modelVersion).toMatch(/^[12]\.0\.0$/)
      await page.close()
      await startsWell(namespace)
    },
  )
})
