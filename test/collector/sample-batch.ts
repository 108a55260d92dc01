import { randomBytes } from 'node:crypto'
import { dayOf } from '@afield/protocol'

interface Changes {
  readonly day?: string
  readonly firstToday?: boolean
  readonly cell?: Readonly<Record<string, string>>
  readonly ops?: Readonly<Record<string, unknown>>
}

/** A small valid batch of today with an id of its own: 20 answers of about 1 ms, two refused inputs. */
export function sampleBatch({ cell, ops, ...changes }: Changes = {}) {
  return {
    v: 1,
    id: randomBytes(16).toString('hex'),
    day: dayOf(Date.now()),
    sdk: '0.1.0',
    cell: {
      model: 'learner-risk',
      version: '1.0.0',
      arm: 'stable',
      backend: 'wasm',
      device: 'desktop',
      epoch: 1,
      step: 0,
      ...cell,
    },
    firstToday: true,
    ops: { count: 20, errors: { 'input/invalid': 2 }, funnel: { checked: 1 }, latency: { '0': 20 }, ...ops },
    ...changes,
  }
}
