import type { Browser } from '../../browser/browser.js'

/** Microseconds from a call to its answer: the median of each round. */
export type OneAtATime = Readonly<Record<'afield' | 'raw' | 'comlink', readonly number[]>>

/** One prediction after the other, a few hundred of each in turn; the order alternates from round to round. */
export async function measureOneAtATime(browser: Browser, url: string): Promise<OneAtATime> {
  const page = await browser.open(url)
  try {
    return await page.evaluate(async () => {
      const ask = await globalThis.peers
      const names = ['afield', 'raw', 'comlink'] as const
      const x = Float32Array.from({ length: 64 }, (_, i) => (i * 7) % 16)
      // The clock of a page has steps of 5 µs, or of 100 µs where it is not isolated: some predictions in a row, each
      // after the answer before, are timed together.
      const inARow = crossOriginIsolated ? 5 : 100
      const p50 = async (predict: (typeof ask)['raw'], count: number): Promise<number> => {
        const times: number[] = []
        for (let i = 0; i < count; i += inARow) {
          const began = performance.now()
          for (let j = 0; j < inARow; j++) await predict(x)
          times.push((performance.now() - began) / inARow)
        }
        return (times.sort((a, b) => a - b)[times.length >> 1] ?? Number.NaN) * 1000
      }
      const rounds: Record<(typeof names)[number], number[]> = { afield: [], raw: [], comlink: [] }
      for (const name of names) await p50(ask[name], 1000)
      for (let round = 0; round < 30; round++) {
        for (const name of round % 2 === 0 ? names : [...names].reverse()) {
          rounds[name].push(await p50(ask[name], 300))
        }
      }
      return rounds
    })
  } finally {
    await page.close()
  }
}
