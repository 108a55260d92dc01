import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTour, type Tour } from '../../examples/start-tour.js'
import type { Browser, Page } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'

/** One visit to the tour, as its visitor would go through it; each test goes on where the one before it stopped. */
const SOON = { timeout: 15_000, interval: 100 }

let tour: Tour
let browser: Browser
let page: Page

beforeAll(async () => {
  tour = await startTour({ port: 0, devices: 8, newsWithinMs: 200 })
  browser = await launchChromium()
  page = await browser.open(tour.urls.tour)
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await tour?.close()
})

/** What a person reads on the page. */
interface Seen {
  readonly code: string
  readonly phone: string
  readonly team: string
  readonly banner: string
}

function see(): Promise<Seen> {
  return page.evaluate(() => {
    const text = (selector: string): string => {
      const element = document.querySelector<HTMLElement>(selector)
      return (element?.innerText ?? '').replaceAll(/\s+/g, ' ')
    }
    return { code: text('#code'), phone: text('#phone'), team: text('#team'), banner: text('.banner') }
  })
}

function seePane(pane: keyof Seen): Promise<string> {
  return see().then((seen) => seen[pane])
}

/** Presses the button with this label once it may be pressed. */
async function press(label: string): Promise<void> {
  const tryOnce = (text: string): Promise<boolean> =>
    page.evaluate((wanted) => {
      const buttons = [...document.querySelectorAll('button')]
      const button = buttons.find(
        (one) => one.innerText.trim() === wanted && !one.disabled && one.ariaDisabled !== 'true',
      )
      button?.click()
      return button !== undefined
    }, text)
  await expect.poll(() => tryOnce(label), SOON).toBe(true)
}

function switchNetwork(): Promise<void> {
  return page.evaluate(() => document.querySelector<HTMLInputElement>('#network')?.click())
}

/** Types into the program's first number. */
function typeHours(hours: number): Promise<void> {
  return page.evaluate((value) => {
    const box = document.querySelector<HTMLInputElement>('#code input')
    if (!box) throw new Error('the program has no number to change')
    box.value = String(value)
    box.dispatchEvent(new Event('input', { bubbles: true }))
  }, hours)
}

test('the banner says what development settings it runs with', async () => {
  expect(await seePane('banner')).toMatch(/sealed every 5 s and shown from 1 device/)
})

test('Code: a change to the program changes the answer', async () => {
  await expect.poll(() => seePane('code'), SOON).toMatch(/risk_score 0\.\d+.*1\.0\.0.*wasm.* ms/)
  const before = /risk_score (0\.\d+)/.exec(await seePane('code'))?.[1]
  await typeHours(30)
  await expect.poll(async () => /risk_score (0\.\d+)/.exec(await seePane('code'))?.[1], SOON).not.toBe(before)
  await typeHours(61)
  await expect.poll(() => seePane('code'), SOON).toMatch(/input\/invalid.*hours_studied/)
  await typeHours(4)
})

test('Code: a thousand predictions leave no page task over 50 ms', async () => {
  await press('1,000 in turn')
  const isBusy = () => page.evaluate(() => document.querySelector('#in-turn')?.ariaBusy)
  await expect.poll(isBusy, { timeout: 30_000, interval: 200 }).toBe('false')
  expect(await seePane('code')).toMatch(/a second 1,000 answers/)
  expect(await seePane('code')).not.toMatch(/longest task: \d/)
})

test('Engine: it says how it does, keeps its objectives, and sees that it is asked other things than in training', async () => {
  const engine =
    /on wasm · plain build · 1 thread · 1 worker.*1,0\d\d asked.*% answered.*within 100 ms met.*hours_studied drifted, 0\.\d\d/
  await expect.poll(() => seePane('code'), SOON).toMatch(engine)
})

test('Phone: it says what runs and why, what is stored, and shows the very bytes of telemetry', async () => {
  await expect
    .poll(() => seePane('phone'), SOON)
    .toMatch(/This device runs learner-risk 1\.0\.0 on WASM, the stable version/)
  await expect.poll(() => seePane('phone'), SOON).toMatch(/"model": "learner-risk"/)
  expect(await seePane('phone')).toMatch(/393 bytes/)
})

test('Team: publish, 5, 25, 100 %: each button shows its command, and devices move', async () => {
  await press('Publish v2')
  await expect.poll(() => seePane('team'), SOON).toMatch(/npx @afield\/cli publish .*2\.0\.0/)
  await press('5 %')
  await expect
    .poll(() => seePane('team'), SOON)
    .toMatch(/rollout start learner-risk --candidate 2\.0\.0 --steps 5,25,100/)
  await press('25 %')
  await press('100 %')
  await expect.poll(() => seePane('team'), SOON).toMatch(/9 devices · 100 %/)
  await expect.poll(() => seePane('code'), SOON).toMatch(/2\.0\.0/)
})

test('Team: killed, the candidate is taken back everywhere, and the time it took is shown', async () => {
  await press('Kill')
  await expect.poll(() => seePane('team'), SOON).toMatch(/Time to roll back \d+(\.\d+)? m?s/)
  await expect.poll(() => seePane('code'), SOON).toMatch(/1\.0\.0/)
  await press('Revive')
  await press('Promote')
  await expect.poll(() => seePane('code'), SOON).toMatch(/2\.0\.0/)
})

test('Team: with the model switched off, the answer is the fallback’s, and says so', async () => {
  await press('Kill')
  await expect.poll(() => seePane('code'), SOON).toMatch(/risk_score 1\.0000.*no model fallback: constant/)
  await press('Revive')
  await expect.poll(() => seePane('code'), SOON).toMatch(/risk_score 0\.\d+.*2\.0\.0 wasm/)
})

test('Team: a broken v3 is refused by publish, and by every device when it is forced out', async () => {
  await press('Ship a broken v3')
  await expect.poll(() => seePane('team'), SOON).toMatch(/publish .*3\.0\.0/)
  await expect.poll(() => seePane('phone'), SOON).toMatch(/3\.0\.0 failed here: golden vector/)
  expect(await seePane('code')).toMatch(/2\.0\.0/)
})

test('with the network switched off, all panes go on, also after a reload', async () => {
  await switchNetwork()
  await expect.poll(() => seePane('phone'), SOON).toMatch(/Network Off/)
  await press('Check now')
  await expect.poll(() => seePane('phone'), SOON).toMatch(/manifest\/unavailable/)
  await page.reload()
  await expect.poll(() => seePane('code'), SOON).toMatch(/risk_score 0\.\d+.*2\.0\.0/)
  await expect.poll(() => seePane('team'), SOON).toMatch(/9 devices/)
  await switchNetwork()
  await expect.poll(() => seePane('phone'), SOON).toMatch(/Network On/)
})

test('with every server gone, the page still loads and predicts, and says who cannot be reached', async () => {
  await tour.close()
  await page.reload()
  await expect.poll(() => seePane('code'), SOON).toMatch(/risk_score 0\.\d+.*2\.0\.0/)
  await expect.poll(() => seePane('team'), SOON).toMatch(/not reachable/)
})
