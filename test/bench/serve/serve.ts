import { figure, type Figure } from '../figure.js'
import { benchBackendSwap } from './backend-swap.js'
import { measureConcurrent } from './concurrent.js'
import { benchMemory } from './memory.js'
import { measureOneAtATime } from './one-at-a-time.js'
import { benchOneBad } from './one-bad.js'
import { startServeSite, type ServeSite } from './site.js'
import { benchStats } from './stats.js'
import { benchSwap } from './swap.js'
import { measureTwoWorkers } from './two-workers.js'

/** Beside peers: each opens pages of its own on the site that all share. */
const besidePeers: readonly ((site: ServeSite) => Promise<readonly Figure[]>)[] = [
  benchOneAtATime,
  benchConcurrent,
  benchTwoWorkers,
]

/** How predictions are served: beside peers, together, while versions and backends change, and what it takes. */
export async function benchServe(): Promise<readonly Figure[]> {
  const figures = [...(await benchBesidePeers())]
  for (const bench of [benchStats, benchOneBad, () => benchSwap(), benchBackendSwap, () => benchMemory()])
    figures.push(...(await bench()))
  return figures
}

/** A hand-written worker, and one by Comlink. */
async function benchBesidePeers(): Promise<readonly Figure[]> {
  const site = await startServeSite()
  try {
    const figures: Figure[] = []
    for (const part of besidePeers) figures.push(...(await part(site)))
    return figures
  } finally {
    await site.close()
  }
}

async function benchOneAtATime({ browser, isolated, plain }: ServeSite): Promise<readonly Figure[]> {
  const here = await measureOneAtATime(browser, isolated)
  const there = await measureOneAtATime(browser, plain)
  return [
    figure('serve/one-at-a-time/afield', 'µs', here.afield),
    figure('serve/one-at-a-time/raw-worker', 'µs', here.raw),
    figure('serve/one-at-a-time/comlink', 'µs', here.comlink),
    figure('serve/one-at-a-time/ratio-to-raw-worker', '×', ratios(here.afield, here.raw), { most: 1 }),
    figure('serve/one-at-a-time/ratio-to-comlink', '×', ratios(here.afield, here.comlink), { most: 0.7 }),
    figure('serve/one-at-a-time/not-isolated/ratio-to-raw-worker', '×', ratios(there.afield, there.raw), {
      most: 1,
    }),
    figure('serve/one-at-a-time/not-isolated/ratio-to-comlink', '×', ratios(there.afield, there.comlink), {
      most: 0.7,
    }),
  ]
}

async function benchConcurrent({ browser, isolated }: ServeSite): Promise<readonly Figure[]> {
  const { afield, raw, batch } = await measureConcurrent(browser, isolated, 1)
  const two = await measureConcurrent(browser, isolated, 2)
  return [
    figure('serve/1000-concurrent/afield', 'ms', afield),
    figure('serve/1000-concurrent/raw-worker', 'ms', raw),
    figure('serve/1000-concurrent/one-batch', 'ms', batch),
    figure('serve/1000-concurrent/throughput-to-raw-worker', '×', ratios(raw, afield), { least: 6 }),
    figure('serve/1000-concurrent/one-batch-to-raw-worker', '×', ratios(raw, batch)),
    figure('serve/1000-concurrent/throughput-to-one-batch', '×', ratios(batch, afield), { least: 0.6 }),
    figure('serve/1000-concurrent/two-workers/afield', 'ms', two.afield),
    figure('serve/1000-concurrent/two-workers/throughput-to-raw-worker', '×', ratios(two.raw, two.afield), {
      least: 6,
    }),
  ]
}

async function benchTwoWorkers({ browser, isolated }: ServeSite): Promise<readonly Figure[]> {
  const { one, two } = await measureTwoWorkers(browser, isolated)
  return [
    figure('serve/compute-bound/one-worker', 'ms', one),
    figure('serve/compute-bound/two-workers', 'ms', two),
    figure('serve/compute-bound/two-to-one', '×', ratios(one, two), { least: 1.6 }),
  ]
}

/** Of what was measured in the same rounds, next to each other. */
function ratios(above: readonly number[], below: readonly number[]): readonly number[] {
  return above.map((value, i) => value / (below[i] ?? Number.NaN))
}
