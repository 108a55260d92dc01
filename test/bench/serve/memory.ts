import { setTimeout as wait } from 'node:timers/promises'
import type { Usage } from '../../browser/browser.js'
import { figure, type Figure } from '../figure.js'
import { quantile } from './quantiles.js'
import { startSwapping, VERSIONS, type SwappingOptions } from './swapping.js'

const PER_SECOND = 20
/** Engines end once they answered; the system takes their pages back a little later. */
const SETTLE_MS = 400
/** Swaps before the first reading: the browser's allocators and compilers reach what they keep. */
const WARM_UPS = 6
/** Readings at either end of the run, compared with each other. */
const WINDOW = 10

/**
 * What a page takes while a model of 38 MB is swapped 50 times under predictions. Flat means that the median of the last
 * ten readings is at most so much above that of the first ten: no worker more, 1 MB of JavaScript objects, and 16 MB of
 * the processes' resident memory, where one engine that stays behind would be 100 MB.
 */
export async function benchMemory(swaps = 50, how: SwappingOptions = {}): Promise<readonly Figure[]> {
  const swapping = await startSwapping(how)
  try {
    for (const version of [VERSIONS[1], VERSIONS[0]]) {
      await swapping.choose(version)
      await swapping.follow()
    }
    const readings: Usage[] = []
    for (let swap = 0; swap < WARM_UPS + swaps; swap++) {
      await swapping.choose(VERSIONS[(swap + 1) % 2] ?? VERSIONS[0])
      await swapping.ask(PER_SECOND)
      await swapping.follow()
      await swapping.stop()
      await wait(SETTLE_MS)
      if (swap >= WARM_UPS) readings.push(await swapping.page.usage())
    }
    const growth = (read: (usage: Usage) => number): number => {
      const median = (part: readonly Usage[]): number => quantile(part.map(read), 0.5)
      return median(readings.slice(-WINDOW)) - median(readings.slice(0, WINDOW))
    }
    const MB = 1_000_000
    return [
      figure('serve/memory/swaps', '', [readings.length]),
      figure(
        'serve/memory/workers',
        '',
        readings.map(({ workers }) => workers),
      ),
      figure('serve/memory/workers-growth', '', [growth(({ workers }) => workers)], { most: 0 }),
      figure(
        'serve/memory/heap',
        'MB',
        readings.map(({ heapBytes }) => heapBytes / MB),
      ),
      figure('serve/memory/heap-growth', 'MB', [growth(({ heapBytes }) => heapBytes) / MB], { most: 1 }),
      figure(
        'serve/memory/processes',
        'MB',
        readings.map(({ processBytes }) => processBytes / MB),
      ),
      figure('serve/memory/processes-growth', 'MB', [growth(({ processBytes }) => processBytes) / MB], {
        most: 16,
      }),
    ]
  } finally {
    await swapping.close()
  }
}
