import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTour, type Tour } from '../../examples/start-tour.js'
import type { Browser, Page, PageRequest } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { see, type, typeLetters } from './content-check-page.js'

/** One visit to the content-check page; each test goes on where the one before it stopped. */
const SOON = { timeout: 15_000, interval: 20 }
const DATA = join(import.meta.dirname, '..', '..', 'examples', 'content-check', 'data')

/** A message that the model never saw, and what scikit-learn says of it. */
interface HeldOut {
  readonly text: string
  readonly label: string
  readonly advertising: number
}

let tour: Tour
let browser: Browser
let page: Page
let heldOut: readonly HeldOut[]
const requests: PageRequest[] = []

beforeAll(async () => {
  heldOut = JSON.parse(await readFile(join(DATA, 'held-out.json'), 'utf8')) as readonly HeldOut[]
  tour = await startTour({ port: 0, devices: 1 })
  browser = await launchChromium()
  page = await browser.open()
  page.onRequest((request) => requests.push(request))
  await page.goto(tour.urls.contentCheck)
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await tour?.close()
})

/** Asks the page and waits for its answer to this very message. */
async function ask({ text, advertising }: HeldOut): Promise<number> {
  await type(page, text)
  await expect.poll(async () => Math.abs((await see(page)).score - advertising), SOON).toBeLessThan(1e-4)
  return (await see(page)).score
}

test('waits for a message, then says what it reads like', async () => {
  await expect.poll(() => see(page), SOON).toMatchObject({ state: 'idle', verdict: 'Nothing to read yet' })
  await type(page, 'Buy now and win a free phone!')
  await expect
    .poll(() => see(page), SOON)
    .toMatchObject({ state: 'hold', verdict: 'Advertising', band: 'Hold it back', version: '1.0.0' })
  await type(page, 'Could you explain the proof in chapter seven?')
  await expect
    .poll(() => see(page), SOON)
    .toMatchObject({ state: 'publish', verdict: 'An ordinary message', band: 'Publish it' })
  await expect
    .poll(async () => (await see(page)).spoken, SOON)
    .toMatch(/^An ordinary message\. Advertising \d+ %/)
})

test('agrees with scikit-learn on every held-out message', async () => {
  expect(heldOut).toHaveLength(60)
  let right = 0
  for (const message of heldOut) {
    const score = await ask(message)
    if (score >= 0.5 === (message.label === 'advertising')) right += 1
  }
  // The accuracy that the metrics file and the README promise.
  expect(right / heldOut.length).toBeCloseTo(0.95, 4)
}, 60_000)

test('full-width letters are read as the letters that they are', async () => {
  await type(page, 'buy now and save')
  await expect.poll(async () => (await see(page)).state, SOON).toBe('hold')
  const { score } = await see(page)
  await type(page, '')
  await expect.poll(async () => (await see(page)).state, SOON).toBe('idle')
  await type(page, 'ｂｕｙ ｎｏｗ ａｎｄ ｓａｖｅ')
  await expect.poll(async () => (await see(page)).score, SOON).toBeCloseTo(score, 6)
})

test('typing is never held up, and the last letter is what is answered', async () => {
  const [message] = heldOut
  if (!message) throw new Error('There are no held-out messages.')
  const { slowest, answers } = await typeLetters(page, message.text.repeat(4))
  expect(slowest).toBeLessThan(50)
  expect(answers).toBeGreaterThan(0)
  await ask(message)
})

test.each([
  ['too long', 'a'.repeat(2001), 'A message has at most 2,000 characters.'],
  ['half a character', 'broken \ud83d emoji', 'This message holds something that is no character.'],
])('a message that is %s is named', async (_, text, error) => {
  await type(page, text)
  await expect.poll(() => see(page), SOON).toMatchObject({ state: 'invalid', error })
  await type(page, 'fine')
  await expect.poll(async () => (await see(page)).error, SOON).toBe('')
})

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
})

test('everything can be reached and named without a mouse', async () => {
  const unnamed = await page.evaluate(() => {
    const controls = [...document.querySelectorAll<HTMLElement>('textarea, button, input')]
    return controls
      .filter((control) => control.checkVisibility() && control.tabIndex === 0)
      .filter((control) => {
        const labels =
          control instanceof HTMLButtonElement ? [control] : [...((control as HTMLInputElement).labels ?? [])]
        return !control.ariaLabel && !labels.some((label) => label.textContent?.trim())
      })
      .map(({ id }) => id)
  })
  expect(unnamed).toEqual([])
})

test('nothing that was typed went anywhere: files were fetched, the code for texts among them, no more', () => {
  expect(requests.filter(({ method }) => method !== 'GET')).toEqual([])
  expect(requests.filter(({ url }) => new URL(url).search !== '')).toEqual([])
  expect(requests.some(({ url }) => /\/text-[^/]*\.js$/.test(url))).toBe(true)
})

test('goes on without a network', async () => {
  await expect.poll(async () => (await see(page)).badge, SOON).toBe('Works offline')
  await tour.close()
  await page.reload()
  const message = heldOut.at(-1)
  if (!message) throw new Error('There are no held-out messages.')
  await ask(message)
})
