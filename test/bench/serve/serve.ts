import type { Figure } from '../figure.js'
import { benchBackendSwap } from './backend-swap.js'
import { benchMemory } from './memory.js'
import { benchOneBad } from './one-bad.js'
import { benchStats } from './stats.js'
import { benchSwap } from './swap.js'

/** How predictions are served: beside peers, together, while versions and backends change, and what it takes. */
export async function benchServe(): Promise<readonly Figure[]> {
  const figures: Figure[] = []
  for (const bench of [benchStats, benchOneBad, () => benchSwap(), benchBackendSwap, () => benchMemory()])
    figures.push(...(await bench()))
  return figures
}
