import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTour, type Tour } from '../../examples/start-tour.js'
import type { FleetDevice } from '../../examples/team/api.js'
import type { Browser, Page } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { press, see, type } from './learner-risk-page.js'
import { teamClient, type TeamClient } from './team-client.js'

/** One story from `npm start` to the end of the network: each test goes on where the one before it stopped. */
const DEVICES = 16
const SOON = { timeout: 10_000, interval: 100 }

let tour: Tour
let team: TeamClient
let browser: Browser
let page: Page

beforeAll(async () => {
  tour = await startTour({ port: 0, devices: DEVICES, newsWithinMs: 200 })
  team = teamClient(tour.urls.tour)
  browser = await launchChromium()
  page = await browser.open(tour.urls.learnerRisk)
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await tour?.close()
})

const fleet = async (): Promise<readonly FleetDevice[]> => (await team.state()).fleet
const versions = async (): Promise<readonly (string | undefined)[]> =>
  (await fleet()).map(({ version }) => version)
const everywhere = (version: string | undefined) => Array.from({ length: DEVICES }, () => version)

/** What the rollout's hash promises each device. */
const promised = async (coverage: number): Promise<readonly string[]> =>
  (await fleet()).map(({ bucket }) => (bucket !== undefined && bucket < coverage * 100 ? '2.0.0' : '1.0.0'))

describe('the learner-risk page', () => {
  test('predicts on the device', async () => {
    await expect
      .poll(() => see(page), SOON)
      .toMatchObject({ state: 'fine', version: '1.0.0', decision: 'No support needed' })
    await type(page, 'hours_studied', '3')
    await type(page, 'quiz_score', '42')
    // Version 1.0.0's golden vector for this record says 0.706885.
    await expect
      .poll(() => see(page), SOON)
      .toMatchObject({ state: 'support', figure: '71%', decision: 'Needs support' })
  })

  test.each([
    ['hours_studied', '75', 'Hours studied must be from 0 to 60.'],
    ['quiz_score', '', 'Quiz score must be from 0 to 100.'],
  ] as const)('names the field %s when its value is "%s"', async (field, value, message) => {
    await type(page, field, value)
    await expect.poll(() => see(page), SOON).toMatchObject({ state: 'invalid', errors: { [field]: message } })
    await type(page, field, '50')
    await expect.poll(() => see(page), SOON).toMatchObject({ state: 'fine', errors: {} })
  })

  test('is installable: its manifest names icons of the size they have', async () => {
    const icons = await page.evaluate(async () => {
      const link = document.querySelector('link[rel="manifest"]') as HTMLLinkElement
      const manifest = (await (await fetch(link.href)).json()) as {
        display: string
        icons: readonly { src: string; sizes: string; type: string }[]
      }
      const drawn = manifest.icons
        .filter((icon) => icon.type === 'image/png')
        .map(async ({ src, sizes }) => {
          const { width, height } = await createImageBitmap(
            await (await fetch(new URL(src, link.href))).blob(),
          )
          return { said: sizes, is: `${width}x${height}` }
        })
      return { display: manifest.display, drawn: await Promise.all(drawn) }
    })
    expect(icons.display).toBe('standalone')
    expect(icons.drawn.map(({ is }) => is)).toEqual(['192x192', '512x512', '512x512'])
    expect(icons.drawn.every(({ said, is }) => said === is)).toBe(true)
  })
})

describe('the team', () => {
  test('sees the whole fleet on the pinned version', async () => {
    await expect.poll(versions, SOON).toEqual(everywhere('1.0.0'))
    expect(await team.firstEvent()).toMatchObject({
      versions: ['1.0.0'],
      stable: '1.0.0',
      coverage: 0,
      killed: 'none',
    })
  })

  test('publishes a version that reaches nobody by itself', async () => {
    const run = await team.act('publish-v2')
    expect(run).toMatchObject({ ok: true, action: 'publish-v2' })
    expect(run.command).toMatch(
      /^npx @afield\/cli publish examples\/learner-risk\/models\/learner-risk-2\.0\.0\.onnx/,
    )
    expect((await team.state()).versions).toEqual(['1.0.0', '2.0.0'])
    expect(await versions()).toEqual(everywhere('1.0.0'))
  })

  test.each([
    ['start-canary', 5],
    ['step', 25],
    ['step', 100],
  ] as const)('%s moves the devices that the hash names, up to %i percent', async (action, coverage) => {
    await team.act(action)
    await expect.poll(() => team.state(), SOON).toMatchObject({ candidate: '2.0.0', coverage })
    await expect
      .poll(async () => (await fleet()).every(({ reason }) => reason.endsWith('-canary')), SOON)
      .toBe(true)
    await expect.poll(versions, SOON).toEqual(await promised(coverage))
  })

  test('promotes; an open page follows and says so', async () => {
    await team.act('promote')
    expect(await team.state()).toMatchObject({ stable: '2.0.0', coverage: 0 })
    await press(page, 'check')
    await expect
      .poll(() => see(page), SOON)
      .toMatchObject({ version: '2.0.0', notice: 'Updated to 2.0.0 (was 1.0.0).' })
    expect(await versions()).toEqual(everywhere('2.0.0'))
  })

  test('ships a broken version, which every device refuses', async () => {
    await team.act('ship-broken')
    const { commands } = await team.state()
    const [started, forced, refused] = commands
    expect(refused).toMatchObject({ ok: false })
    expect(refused?.output).toContain('model/self-test-failed')
    expect(forced?.command).toContain('--skip-replay')
    expect(started).toMatchObject({ ok: true })
    await expect
      .poll(async () => (await fleet()).map(({ version, failed }) => ({ version, failed })), SOON)
      .toEqual(everywhere(undefined).map(() => ({ version: '2.0.0', failed: ['3.0.0'] })))
    expect((await team.state()).possible).not.toContain('promote')

    await press(page, 'check')
    await expect
      .poll(() => see(page), SOON)
      .toMatchObject({
        version: '2.0.0',
        notice: 'Version 3.0.0 did not pass its test on this device and is not used.',
      })
  })

  test('goes back with a newer state that names the older version', async () => {
    await team.act('kill')
    expect(await team.state()).toMatchObject({ killed: 'candidate', rollbackMs: 0 })
    await team.act('reset')
    await expect.poll(versions, SOON).toEqual(everywhere('1.0.0'))
    expect((await team.state()).possible).toEqual(['start-canary', 'ship-broken', 'kill', 'log'])
  })

  test('reads who did what, from the signed documents', async () => {
    const { ok, output } = await team.act('log')
    expect(ok).toBe(true)
    expect(output).toMatch(/rollout kill[\s\S]*publish 2\.0\.0[\s\S]*init/)
  })

  test('kills the model and revives it', async () => {
    await team.act('kill')
    await expect.poll(versions, SOON).toEqual(everywhere(undefined))
    const { rollbackMs } = await team.state()
    expect(rollbackMs).toBeGreaterThan(0)
    expect(rollbackMs).toBeLessThan(10_000)
    await press(page, 'check')
    await expect
      .poll(() => see(page), SOON)
      .toMatchObject({ state: 'trouble', decision: 'No estimate at the moment' })

    await team.act('revive')
    await press(page, 'retry')
    await expect.poll(() => see(page), SOON).toMatchObject({ state: 'fine', version: '1.0.0' })
    await expect.poll(versions, SOON).toEqual(everywhere('1.0.0'))
  })

  test.each([
    ['another site', 'kill', 'https://example.com', 403, 'http/origin'],
    ['no page at all', 'kill', undefined, 403, 'http/origin'],
    ['its own page, what does not exist', 'delete-all', 'own', 404, 'team/unknown'],
    ['its own page, what makes no sense', 'promote', 'own', 409, 'team/impossible'],
  ])('refuses %s', async (_, action, from, status, code) => {
    const origin = from === 'own' ? new URL(tour.urls.tour).origin : from
    expect(await team.post(action, origin)).toEqual({ status, code })
    expect((await team.state()).killed).toBe('none')
  })

  test('sees in the collector what devices did', async () => {
    const served = async (): Promise<readonly string[]> => {
      const response = await fetch(`${tour.urls.dashboard}v1/versions?model=learner-risk`)
      const report = (await response.json()) as {
        versions: readonly { version: string; served: number | null }[]
      }
      return report.versions.filter((one) => (one.served ?? 0) > 0).map(({ version }) => version)
    }
    await expect
      .poll(served, { timeout: 25_000, interval: 500 })
      .toEqual(expect.arrayContaining(['1.0.0', '2.0.0']))
  })
})

test('the docs have a page for every error, such as the one that a killed model gives', async () => {
  expect(await (await fetch(tour.urls.docs)).text()).toContain('Guides')
  const response = await fetch(`${tour.urls.docs}errors/model/killed.html`)
  expect(response.ok).toBe(true)
  expect(await response.text()).toContain('afield rollout revive')
})

describe('without a network', () => {
  test('the page starts and predicts after its server is gone', async () => {
    await expect.poll(async () => (await see(page)).badge, SOON).toBe('Works offline')
    await tour.close()
    await expect(fetch(tour.urls.tour)).rejects.toThrow('fetch failed')
    await page.reload()
    await type(page, 'hours_studied', '3')
    await type(page, 'quiz_score', '42')
    await expect
      .poll(() => see(page), SOON)
      .toMatchObject({ state: 'support', figure: '71%', version: '1.0.0' })
  })
})
