import { dayOf, emptyOps, type Day, type MutableHistogram } from '@afield/protocol'
import type { Keeper } from 'afield/node'

export type Observation = Parameters<Keeper['observe']>[0][number]

/** What a page counts of so many answers of 1.0.0, all of which took 2 ms unless told otherwise. */
export function observation(
  life: string,
  sequence: number,
  count: number,
  {
    day = dayOf(Date.now()),
    latency = { '31': count },
  }: { readonly day?: Day; readonly latency?: MutableHistogram } = {},
): Observation {
  return {
    life,
    sequence,
    cells: [
      {
        cell: {
          model: 'learner-risk' as never,
          version: '1.0.0' as never,
          arm: 'stable',
          backend: 'wasm',
          device: 'other',
          epoch: 0,
          step: 0,
        },
        day,
        ops: { ...emptyOps(), count, latency },
      },
    ],
  }
}
