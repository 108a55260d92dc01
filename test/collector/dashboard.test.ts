import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Browser, Page } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { startProcess, temporaryFolder, type CollectorProcess } from './collector-process.js'
import { sampleBatch } from './sample-batch.js'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let collector: CollectorProcess
let browser: Browser
let page: Page
const lines: string[] = []
const requests: string[] = []

beforeAll(async () => {
  folder = await temporaryFolder()
  collector = await startProcess(folder.path, '--cell-floor', '3')
  browser = await launchChromium()
  page = await browser.open()
  page.onConsole(({ level, text }) => lines.push(`${level}: ${text}`))
  page.onRequest(({ url }) => requests.push(url))
})

afterAll(async () => {
  await browser.close()
  await collector.stop()
  await folder.remove()
})

/** The page looks every few seconds. */
const SOON = { timeout: 14_000 }

const text = (selector: string) =>
  page.evaluate((selector) => document.querySelector<HTMLElement>(selector)?.innerText ?? '', selector)

test('the page is served under a strict policy and asks nobody but the collector', async () => {
  const answer = await fetch(collector.url)
  expect(answer.headers.get('content-type')).toContain('text/html')
  const policy = answer.headers.get('content-security-policy')
  expect(policy).toContain("default-src 'none'")
  expect(policy).toContain("script-src 'self'")
  expect(policy).not.toContain('unsafe')

  await page.goto(collector.url)
  await expect.poll(() => text('#models')).toContain('No batches yet')
  expect(requests.filter((url) => !url.startsWith(collector.url) && !url.startsWith('data:'))).toEqual([])
  expect(lines).toEqual([])
})

test('shows each version within seconds of its batches, as a table that reads as one', async () => {
  const send = (version: string, count: number) =>
    Promise.all(
      Array.from({ length: count }, () =>
        collector.post(
          sampleBatch({ cell: { version }, ops: { count: 1000, latency: { '0': 900, '106': 100 } } }),
        ),
      ),
    )
  await send('1.0.0', 3)
  await send('2.0.0', 1)
  await expect.poll(() => text('tbody')).toContain('1.0.0')

  const row = await text('tbody tr:nth-child(2)')
  for (const shown of ['Healthy', '3,000', '100 %', '6 × input/invalid', '1.01 ms', '10.0 ms']) {
    expect(row).toContain(shown)
  }
  expect(await text('tbody tr:nth-child(1)')).toMatch(
    /^2\.0\.0\s+Withheld until it has been used on 3 device-days\.$/,
  )
  const chart = await page.evaluate(() => document.querySelector('svg')?.getAttribute('aria-label'))
  expect(chart).toBe('Latency: half within 1.01 ms, 95 % within 10.0 ms, 99 % within 10.0 ms')
  const headers = await page.evaluate(() =>
    [...document.querySelectorAll('th[scope=col]')].map((th) => th.textContent),
  )
  expect(headers).toEqual(['Version', 'Health', 'Answers', 'Success', 'p50', 'p95', 'p99', 'Latency'])
})

test('fits a phone', async () => {
  await page.resize(390, 844)
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390)
  expect(
    await page.evaluate(() => getComputedStyle(document.querySelector('tbody tr') as Element).display),
  ).toBe('grid')
  const versionHeight = await page.evaluate(() => document.querySelector('tbody th')?.clientHeight)
  expect(versionHeight).toBeLessThan(60)
})

test(
  'says when the collector is out of reach, keeps the last numbers, and comes back by itself',
  { timeout: 30_000 },
  async () => {
    const port = new URL(collector.url).port
    await collector.stop()
    await expect.poll(() => text('#outage'), SOON).toContain('The collector does not answer.')
    expect(await text('#announcer')).toBe('Not connected')
    expect(await text('tbody')).toContain('1.0.0')

    collector = await startProcess(folder.path, '--cell-floor', '3', '--port', port)
    await expect.poll(() => text('#announcer'), SOON).toBe('Connected again')
    expect(await text('#outage')).toBe('')
  },
)
