import * as v from 'valibot'
import { BACKENDS, Sha256Schema, type Backend, type Sha256 } from '@afield/protocol'
import { rests } from '../activation/record.js'
import type { Ports } from '../ports.js'
import { understood } from '../understood.js'

const ms = v.number()

const VerdictSchema = v.object({
  descriptor: Sha256Schema,
  backend: v.picklist(BACKENDS),
  /** The GPU, runtime and browser that it holds for. */
  on: v.string(),
  outcome: v.picklist(['won', 'lost']),
  why: v.picklist(['faster', 'slower', 'asked', 'wrong-answer', 'device-lost', 'failed', 'crashed']),
  message: v.string(),
  /** What the same run took on each, and how long it took until the other backend could be asked. */
  wasmMs: v.exactOptional(ms),
  backendMs: v.exactOptional(ms),
  bringUpMs: v.exactOptional(ms),
  /** When it may be tried again, in ms since 1970; never on this GPU, runtime and browser where there is no time. */
  until: v.exactOptional(ms),
})
/** How a version did on a backend of this device. */
export type Verdict = v.InferOutput<typeof VerdictSchema>

const BackendRecordSchema = v.object({
  verdicts: v.array(VerdictSchema),
  /** Trials that ended with the death of the page, by what they tried. */
  strikes: v.record(v.string(), v.number()),
  /** What a backend's bring-up took last, by the runtime's build. */
  bringUpMs: v.record(v.string(), ms),
})
/** What a device remembers about backends, of all models. */
export type BackendRecord = v.InferOutput<typeof BackendRecordSchema>

export const BACKENDS_KEY = 'backends'

const EMPTY: BackendRecord = { verdicts: [], strikes: {}, bringUpMs: {} }

/** One of another shape counts as none, which costs a trial and no more. */
export async function readBackends({ state }: Pick<Ports, 'state'>): Promise<BackendRecord> {
  return understood(BackendRecordSchema, await state.get(BACKENDS_KEY)) ?? EMPTY
}

/** What holds for a version now, whatever it is that it holds on. */
export function verdictsOn(
  { verdicts }: BackendRecord,
  descriptor: Sha256,
  now: number,
): readonly (Verdict & { readonly backend: Backend })[] {
  return verdicts.filter(
    ({ descriptor: of, until }) => of === descriptor && (until === undefined || rests(until, now)),
  )
}
