import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Browser } from '../../browser/browser.js'
import type { Workshop } from './workshop.js'

export interface Visit {
  /** URLs in the order they were asked for. */
  readonly requests: readonly string[]
}

/**
 * Opens an app and waits for its prediction, which must be the golden one; nothing may have been complained about, no
 * more of onnxruntime downloaded than its plain .wasm, and nothing of telemetry or of kinds of input that its model does
 * not take.
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
  expect(requests.filter((asked) => asked.endsWith('.wasm'))).toHaveLength(1)
  expect(await recognised(requests)).toEqual(['engine.worker.js', 'keeper.worker.js'])
  return { requests }
}

const DIST = join(import.meta.dirname, '..', '..', '..', 'packages', 'sdk', 'dist')

/** Which of the package's files an app asked for: bundlers name them anew, and minify them again. */
async function recognised(requests: readonly string[]): Promise<readonly string[]> {
  const inputs = (await readdir(join(DIST, 'inputs'))).map((file) => `inputs/${file}`)
  const files = ['engine.worker.js', 'keeper.worker.js', 'telemetry.js', ...inputs]
  const originals = await Promise.all(
    files
      .filter((file) => file.endsWith('.js'))
      .map(async (file) => ({ file, words: wordsOf(await readFile(join(DIST, file), 'utf8')) })),
  )
  const scripts = [...new Set(requests)].filter((asked) => /^http.*\.m?js([?#]|$)/.test(asked))
  const found = scripts.map(async (url) => {
    const words = wordsOf(await (await fetch(url)).text())
    const { pathname } = new URL(url)
    return originals.filter(
      (original) =>
        pathname.endsWith(`/afield/dist/${original.file}`) || alike(original.words, words) > SURELY,
    )
  })
  return (await Promise.all(found))
    .flat()
    .map(({ file }) => file)
    .sort()
}

/** Nearly all names of properties and all texts outlive a bundler; two different files share few. */
const SURELY = 0.9

function wordsOf(text: string): ReadonlySet<string> {
  return new Set(text.match(/[A-Za-z_]{7,}/g))
}

/** The share of words that both have. */
function alike(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const shared = [...a].filter((word) => b.has(word)).length
  return shared / (a.size + b.size - shared)
}
