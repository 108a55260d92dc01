import * as v from 'valibot'
import { AfieldError } from '../errors.js'
import { ModelNameSchema, Sha256Schema, VersionSchema, type Version } from '../ids.js'
import { ChangeSchema } from '../model-index.js'
import { parseJsonWith } from '../parse.js'
import { listOf, text, typedText, whole, wholeFrom } from '../primitives.js'
import { BUCKETS } from './bucket.js'

export const MAX_ROLLOUT_BYTES = 64 * 1024

/** A name for a version, such as `beta`, that an app loads by and the team moves. */
export const AliasSchema = typedText<Alias>(
  v.pipe(
    v.string(),
    v.regex(/^[a-z][a-z0-9-]{0,31}$/, 'an alias is 1 to 32 of a-z, 0-9 and -, and starts with a letter'),
    v.check((alias) => alias !== 'latest', '"latest" always means the newest release'),
  ),
)
export type Alias = string & v.Brand<'Alias'>

const REQUESTED_RULE = 'neither a version such as 1.4.0 nor an alias'

/** What `load()` may ask for besides `latest`. */
export const RequestedSchema = typedText<Version | Alias>(
  v.pipe(
    v.string(REQUESTED_RULE),
    v.check((text) => v.is(VersionSchema, text) || v.is(AliasSchema, text), REQUESTED_RULE),
  ),
)

const basisPoints = wholeFrom(0, BUCKETS)

/**
 * The rollout of a model, `rollouts/<name>.json`: who gets what. Signed by the ops key, which can choose among
 * released versions and no more.
 */
const RolloutSchema = v.pipe(
  v.object({
    format: v.literal(1),
    model: ModelNameSchema,
    /** Counts rollouts of this model. Sticky assignments and strikes belong to one. */
    epoch: whole,
    strategy: v.literal('canary'),
    stable: VersionSchema,
    candidate: v.optional(VersionSchema),
    /** Basis points of devices that the candidate is meant for: buckets 0 to coverage − 1. */
    coverage: basisPoints,
    /** The ladder of coverages, in basis points. */
    steps: listOf(basisPoints, 0, 100),
    seed: text(1, 100),
    /** Admits no new device; those admitted stay. */
    paused: v.boolean(),
    killed: v.picklist(['none', 'candidate', 'model']),
    /** What `load(name, {version: alias})` means. Names no version that assignment looks at. */
    aliases: v.exactOptional(
      v.pipe(
        v.record(AliasSchema, VersionSchema),
        v.check((aliases) => Object.keys(aliases).length <= 100, 'more than 100 aliases'),
      ),
    ),
    predecessor: v.optional(Sha256Schema),
    change: ChangeSchema,
  }),
  v.check((r) => r.candidate !== r.stable, 'the candidate is the stable version'),
  v.check((r) => r.candidate !== undefined || r.coverage === 0, 'coverage without a candidate'),
  v.check((r) => r.steps.every((step, i) => step > (r.steps[i - 1] ?? 0)), 'steps do not rise'),
)
export type Rollout = v.InferOutput<typeof RolloutSchema>

/** @throws AfieldError `rollout/invalid`, also when it speaks of another model. */
export function parseRollout(bytes: Uint8Array, model: string): Rollout {
  const file = `rollouts/${model}.json`
  return parseJsonWith(
    v.pipe(
      RolloutSchema,
      v.check((rollout) => rollout.model === model, 'it is of another model'),
    ),
    bytes,
    'rollout/invalid',
    file,
  )
}

/**
 * Refuses a change that would move devices behind the team's back, whoever signed it. The CLI asks before it
 * signs, a device before it believes.
 *
 * @throws AfieldError `rollout/invalid`.
 */
export function checkRolloutChange(previous: Rollout, next: Rollout): void {
  if (next.epoch < previous.epoch) throw refused('the epoch went back')
  if (next.epoch > previous.epoch) return
  if (next.seed !== previous.seed) throw refused('the seed changed inside an epoch')
  if (next.candidate !== undefined && next.candidate !== previous.candidate) {
    throw refused('the candidate changed inside an epoch')
  }
  const finished = next.candidate === undefined
  if (!finished && next.coverage < previous.coverage) {
    throw refused(
      'coverage went down without an abort, which would take the candidate from devices that run it',
    )
  }
  if (next.stable !== previous.stable && next.stable !== previous.candidate) {
    throw refused('the stable version changed to one that was not the candidate')
  }
}

function refused(why: string): AfieldError {
  return new AfieldError(
    'rollout/invalid',
    `This rollout change is refused: ${why}. Start a new rollout instead.`,
  )
}
