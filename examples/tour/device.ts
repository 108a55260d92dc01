import { createAfield, type Afield } from 'afield'
import { config } from '../team/config.js'

export const MODEL = 'learner-risk'

/** Who cannot be told a risk is offered support, as the model's launch checklist says. */
export const offerSupport = { risk_score: 1, needs_support: true }

/** Afield on this page, with the development settings that the banner speaks of. */
export function startDevice(): Afield {
  const { repository, root, collector, ingestKey } = config
  return createAfield({
    repository,
    root,
    checkEveryMs: 5000,
    telemetry: {
      endpoint: new URL('/v1/batches', collector).href,
      key: ingestKey,
      basis: 'consent',
      sealEveryMs: 5000,
      floor: 1,
    },
  })
}
