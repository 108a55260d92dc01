import type { Browser } from '../../browser/browser.js'

export interface TwoWorkers {
  /** Milliseconds for 40 predictions that compute for some 10 ms each. */
  readonly one: readonly number[]
  readonly two: readonly number[]
}

/** The same work by one engine and by two, in turn. */
export async function measureTwoWorkers(browser: Browser, url: string): Promise<TwoWorkers> {
  const page = await browser.open(url)
  try {
    return await page.evaluate(async () => {
      const steps = (count: number) => BigInt64Array.of(BigInt(count)) as never
      const times: { one: number[]; two: number[] } = { one: [], two: [] }
      const measure = async (workers: 1 | 2): Promise<number> => {
        const model = await globalThis.loop(workers)
        await new Promise((resolve) => setTimeout(resolve, 3000))
        const ask = () => Promise.all(Array.from({ length: 40 }, () => model.predict(steps(20_000))))
        await ask()
        const began = performance.now()
        await ask()
        return performance.now() - began
      }
      for (let round = 0; round < 5; round++) {
        times.one.push(await measure(1))
        times.two.push(await measure(2))
      }
      return times
    })
  } finally {
    await page.close()
  }
}
