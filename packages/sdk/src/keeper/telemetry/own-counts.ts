import { dayOf, emptyOps, type ErrorCode, type FunnelStep, type ModelName } from '@afield/protocol'
import type { Served } from '../ports.js'
import type { Observation, TelemetryPorts } from './port.js'

/** Makes an observation, to be taken once, of a step that a version got to on this device. */
export type CountStep = (served: Served, step: FunnelStep, error?: ErrorCode) => Observation

/**
 * What the keeper itself counts, beside what its page does.
 *
 * @param pageLife whose keeper counts.
 */
export function ownCounts(
  { clock, platform }: Pick<TelemetryPorts, 'clock' | 'platform'>,
  pageLife: string,
): CountStep {
  let sequence = 0
  return (served, step, error) => {
    const ops = { ...emptyOps(), funnel: { [step]: 1 }, errors: error ? { [error]: 1 } : {} }
    const cell = { ...served, model: served.model as ModelName, device: platform.device }
    const day = dayOf(clock.now())
    return { life: `${pageLife}/keeper`, sequence: ++sequence, cells: [{ cell, day, ops }] }
  }
}
