import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTour, type Tour } from '../../examples/start-tour.js'
import type { Browser, Page, PageRequest } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { arc, click, draw, see } from './digit-reader-page.js'

/** One visit to the digit-reader page; each test goes on where the one before it stopped. */
const SOON = { timeout: 15_000, interval: 20 }

let tour: Tour
let browser: Browser
let page: Page
const requests: PageRequest[] = []

beforeAll(async () => {
  tour = await startTour({ port: 0, devices: 1 })
  browser = await launchChromium()
  page = await browser.open()
  page.onRequest((request) => requests.push(request))
  await page.goto(tour.urls.digitReader)
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await tour?.close()
})

test('waits for a drawing', async () => {
  await expect
    .poll(() => see(page), SOON)
    .toMatchObject({ state: 'idle', digit: '–', decision: 'Nothing is drawn yet', candidates: [] })
})

test.each([
  ['0', [arc([0.5, 0.5], [0.22, 0.36], -0.25, 0.75)]],
  [
    '1',
    [
      [
        [0.4, 0.3],
        [0.52, 0.15],
        [0.52, 0.5],
        [0.52, 0.85],
      ],
    ],
  ],
  ['2', [[...arc([0.5, 0.32], [0.2, 0.18], -0.5, 0.1), [0.3, 0.85], [0.5, 0.85], [0.72, 0.85]]]],
  ['3', [[...arc([0.48, 0.32], [0.2, 0.18], -0.45, 0.25), ...arc([0.48, 0.67], [0.22, 0.18], -0.25, 0.45)]]],
  [
    '4',
    [
      [
        [0.55, 0.12],
        [0.25, 0.6],
        [0.78, 0.6],
      ],
      [
        [0.6, 0.4],
        [0.58, 0.88],
      ],
    ],
  ],
  [
    '7',
    [
      [
        [0.28, 0.15],
        [0.5, 0.15],
        [0.74, 0.15],
        [0.6, 0.5],
        [0.45, 0.88],
      ],
    ],
  ],
] as const)('reads a %s that is drawn with the mouse', async (digit, strokes) => {
  await click(page, 'clear')
  await expect.poll(async () => (await see(page)).state, SOON).toBe('idle')
  await draw(page, strokes)
  await expect.poll(() => see(page), SOON).toMatchObject({ state: 'read', digit, version: '1.0.0' })
  const { candidates, decision } = await see(page)
  expect(candidates).toHaveLength(3)
  expect(decision).toMatch(/^(> )?\d+ % sure$/)
})

test('tells a screen reader what it reads, once the hand rests', async () => {
  await expect.poll(async () => (await see(page)).spoken, SOON).toMatch(/^7, (> )?\d+ % sure\.$/)
})

test('takes squares from the keyboard: a 1, and nothing again', async () => {
  await click(page, 'clear')
  await page.evaluate(() => document.getElementById('pad')?.focus())
  for (let i = 0; i < 4; i++) await page.press('ArrowRight')
  for (let row = 0; row < 8; row++) {
    await page.press('Space')
    await page.press('ArrowDown')
  }
  await expect.poll(() => see(page), SOON).toMatchObject({ state: 'read', digit: '1' })
  expect((await see(page)).squares).toEqual([4, 12, 20, 28, 36, 44, 52, 60])
  await page.press('Space')
  expect((await see(page)).squares).toEqual([4, 12, 20, 28, 36, 44, 52])
  await page.press('Delete')
  await expect.poll(() => see(page), SOON).toMatchObject({ state: 'idle', squares: [] })
})

test('can be paused while it replays', async () => {
  const progress = await page.evaluate(async () => {
    const [button, bar] = [document.getElementById('replay'), document.getElementById('replay-progress')]
    if (!button || !(bar instanceof HTMLProgressElement)) throw new Error('There is nothing to replay with.')
    const began = new Promise((resolve) =>
      new MutationObserver(resolve).observe(bar, { attributes: true, attributeFilter: ['value'] }),
    )
    button.click()
    await began
    button.click()
    return bar.value
  })
  expect(progress).toBeGreaterThan(0)
  expect(progress).toBeLessThan(450)
  await new Promise((resolve) => setTimeout(resolve, 500))
  const seen = await see(page)
  expect(seen).toMatchObject({ progress, button: 'Go on' })
  expect(seen.verdict).toMatch(/^Version 1\.0\.0: (\d+) of \1 agree with scikit-learn so far\.$/)
})

test('agrees with scikit-learn on every image of the held-out set', async () => {
  await click(page, 'replay')
  await expect
    .poll(() => see(page), { timeout: 30_000 })
    .toMatchObject({
      progress: 450,
      button: 'Replay again',
      verdict:
        'Version 1.0.0: 450 of 450 agree with scikit-learn, class and probabilities. 444 of 450 are right: 98.7 %.',
    })
  const { wrong } = await see(page)
  expect(wrong).toHaveLength(6)
  for (const caption of wrong) expect(caption).toMatch(/^\d, read as \d \((> )?\d+ %\)$/)
}, 40_000)

test('fits a phone, in light and in dark, without scrolling sideways', async () => {
  await page.resize(360, 740)
  const wide = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  await page.colourScheme('light')
  const light = await paper()
  expect(await wide()).toBeLessThanOrEqual(0)
  await page.colourScheme('dark')
  expect(await paper()).not.toBe(light)
  expect(await wide()).toBeLessThanOrEqual(0)
  await page.resize(1200, 900)
})

test('everything can be reached and named without a mouse', async () => {
  const unnamed = await page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>('[tabindex="0"], button, input')]
      .filter((control) => control.checkVisibility() && control.tabIndex === 0)
      .filter((control) => {
        const labels = control instanceof HTMLInputElement ? [...(control.labels ?? [])] : [control]
        return !control.ariaLabel && !labels.some((label) => label.textContent?.trim())
      })
      .map(({ id }) => id),
  )
  expect(unnamed).toEqual([])
})

test('nothing that was drawn went anywhere: files were fetched, the code for images among them, no more', () => {
  expect(requests.filter(({ method }) => method !== 'GET')).toEqual([])
  expect(requests.filter(({ url }) => new URL(url).search !== '')).toEqual([])
  expect(requests.some(({ url }) => /\/image-[^/]*\.js$/.test(url))).toBe(true)
})

test('goes on without a network, the replay included', async () => {
  await expect.poll(async () => (await see(page)).badge, SOON).toBe('Works offline')
  await tour.close()
  await page.reload()
  await draw(page, [
    [
      [0.5, 0.15],
      [0.5, 0.5],
      [0.5, 0.85],
    ],
  ])
  await expect.poll(() => see(page), SOON).toMatchObject({ state: 'read', digit: '1' })
  await click(page, 'replay')
  await expect.poll(async () => (await see(page)).verdict, { timeout: 30_000 }).toContain('450 of 450 agree')
}, 40_000)
