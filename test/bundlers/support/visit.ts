import { expect } from 'vitest'
import type { Browser } from '../../browser/browser.js'
import type { Workshop } from './workshop.js'

export interface Visit {
  /** URLs in the order they were asked for. */
  readonly requests: readonly string[]
}

/**
 * Opens an app and waits for its prediction, which must be the golden one; nothing may have been complained about, and
 * no more of onnxruntime downloaded than its plain .wasm.
 */
export async function expectPrediction(browser: Browser, url: string, workshop: Workshop): Promise<Visit> {
  const page = await browser.open()
  const complaints: string[] = []
  const requests: string[] = []
  page.onConsole(({ level, text }) => {
    if (['error', 'warn', 'uncaught'].includes(level)) complaints.push(`${level}: ${text}`)
  })
  page.onRequest((request) => requests.push(request.url))
  await page.goto(url)
  try {
    const read = async (): Promise<string | undefined> =>
      complaints.length > 0
        ? 'complained'
        : await page.evaluate(() => document.querySelector<HTMLElement>('[data-answer]')?.dataset['answer'])
    await expect.poll(read, { timeout: 20_000, interval: 50 }).toBeDefined()
    expect(complaints).toEqual([])
    const answer = JSON.parse((await read()) ?? '') as Record<string, number>
    for (const [output, value] of Object.entries(workshop.answer))
      expect(answer[output]).toBeCloseTo(value, 4)
  } finally {
    await page.close()
  }
  expect(requests.filter((asked) => /jsep|asyncify|jspi/.test(asked))).toEqual([])
  expect(requests.filter((asked) => /\/inputs\/|\/(image|audio|text)-[\w-]{8}\.js/.test(asked))).toEqual([])
  expect(requests.filter((asked) => asked.endsWith('.wasm'))).toHaveLength(1)
  return { requests }
}
