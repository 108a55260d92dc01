import type { Browser } from '../../browser/browser.js'

/** Milliseconds for 1,000 predictions, the mean of a round each; `batch`: as one run of 1,000 rows, in a worker. */
export type Concurrent = Readonly<Record<'afield' | 'raw' | 'batch', readonly number[]>>

/** 1,000 predictions that are asked before the first is answered, of so many engines of Afield's. */
export async function measureConcurrent(browser: Browser, url: string, workers: 1 | 2): Promise<Concurrent> {
  const page = await browser.open(url)
  try {
    return await page.evaluate(async (count) => {
      const { afield, raw } = await globalThis.peers
      if (count > 1) {
        const model = await globalThis.digits(count)
        while ((await model.stats()).engines.workers < count) {
          await new Promise((resolve) => setTimeout(resolve, 100))
        }
      }
      const all = Float32Array.from({ length: 64_000 }, (_, i) => (i * 7) % 16)
      const inputs = Array.from({ length: 1000 }, (_, i) => all.slice(i * 64, i * 64 + 64))
      const ways = {
        afield: () => Promise.all(inputs.map((x) => afield(x))),
        raw: () => Promise.all(inputs.map((x) => raw(x))),
        batch: () => raw(all),
      }
      const names = ['afield', 'raw', 'batch'] as const
      // Some in a row, so that what each leaves behind to be collected is collected in its own time.
      const IN_A_ROW = 10
      const rounds: Record<(typeof names)[number], number[]> = { afield: [], raw: [], batch: [] }
      const WARM_UPS = 2
      for (let round = 0; round < WARM_UPS + 20; round++) {
        for (const name of round % 2 === 0 ? names : [...names].reverse()) {
          const began = performance.now()
          for (let i = 0; i < IN_A_ROW; i++) await ways[name]()
          if (round >= WARM_UPS) rounds[name].push((performance.now() - began) / IN_A_ROW)
        }
      }
      return rounds
    }, workers)
  } finally {
    await page.close()
  }
}
