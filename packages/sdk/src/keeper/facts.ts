import type { Decision, ErrorCode, Rollout } from '@afield/protocol'
import type { Activator, Deferred } from './activation/activator.js'
import { failedHere, type Failure, type ModelRecords } from './activation/record.js'
import type { Checks } from './checks.js'
import { readBackends, verdictsOn, type Verdict } from './engines/verdict-record.js'
import type { Ports, Served, Terms } from './ports.js'

/** How the last check of the repository ended. */
export interface LastCheck {
  readonly at: number
  readonly error: ErrorCode | undefined
}

/** Why a device runs what it runs, as plain data; `words/explain.ts` says it. */
export interface Facts {
  readonly model: string
  /** `undefined` when nothing serves. */
  readonly served: Served | undefined
  /** On what terms it serves. */
  readonly terms: Terms | undefined
  /** How what serves did on other backends of this device. */
  readonly verdicts: readonly Verdict[]
  readonly decision: Decision
  readonly deferred: Deferred | undefined
  readonly rollout: Rollout | undefined
  readonly failures: readonly Failure[]
  readonly manifestVersion: number | undefined
  readonly stale: boolean
  /** When the manifest expires or expired, in ms since 1970. */
  readonly expiresAt: number | undefined
  readonly storage: 'indexeddb' | 'memory'
  readonly lastCheck: LastCheck | undefined
}

interface Knowing {
  readonly activator: Activator
  readonly checks: Checks
  readonly records: ModelRecords
}

/** @param decision the last that was made for the model. */
export async function gatherFacts(
  ports: Pick<Ports, 'clock' | 'blobs' | 'state'>,
  decision: Decision,
  { activator, checks, records }: Knowing,
): Promise<Facts> {
  const { clock, blobs } = ports
  const { model, running } = activator
  const record = await records.read(model)
  const now = clock.now()
  const { manifest, last } = checks
  const documents = manifest?.models.get(model)
  return {
    model,
    served: running?.served,
    terms: running?.terms,
    verdicts: running ? latest(verdictsOn(await readBackends(ports), running.descriptor, now)) : [],
    decision,
    deferred: activator.deferred,
    rollout: documents?.rollout,
    failures: [...failedHere(record, documents?.index, now).values()],
    manifestVersion: manifest?.version,
    stale: manifest !== undefined && manifest.expiresAt <= now,
    expiresAt: manifest?.expiresAt,
    storage: blobs.kind,
    lastCheck: last,
  }
}

/** On each backend: what it did on another GPU, runtime or browser before says nothing of what serves now. */
function latest(verdicts: readonly Verdict[]): readonly Verdict[] {
  return [...new Map(verdicts.map((verdict) => [verdict.backend, verdict])).values()]
}
