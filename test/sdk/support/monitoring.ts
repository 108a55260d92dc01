import type { Version } from '@afield/protocol'
import type { Served } from '../../../packages/sdk/dist/keeper/ports.js'
import { Monitor } from '../../../packages/sdk/dist/router/monitor/monitor.js'
import type { Around } from '../../../packages/sdk/dist/router/monitor/stats.js'

export const NOTHING_AROUND: Around = {
  engines: { workers: 1, waiting: 0, running: 0, heapBytes: 0 },
  bytes: { stored: 0, fetched: 0 },
  objectives: [],
}

/** What serves on a page. */
export function served(version = '1.0.0', backend: Served['backend'] = 'wasm', model = 'm'): Served {
  return { model, version: version as Version, arm: 'stable', backend, epoch: 1, step: 0 }
}

/** A monitor whose clock stands still until a test moves it. */
export class Counted {
  now = 1_000_000
  readonly doubts: string[] = []
  /** The longest that a run may take. */
  budgetMs: number | undefined
  readonly monitor = new Monitor({
    now: () => this.now,
    runBudgetMs: () => this.budgetMs,
    onDoubt: ({ version }, why) => this.doubts.push(`${version} ${why}`),
    onCounted: () => Infinity,
  })

  get model() {
    return this.monitor.of('m')
  }
}
