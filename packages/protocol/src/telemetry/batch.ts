import * as v from 'valibot'
import { BACKENDS } from '../backend.js'
import { utf8 } from '../bytes.js'
import { AfieldError } from '../errors.js'
import { ModelNameSchema, VersionSchema } from '../ids.js'
import { parseWith } from '../parse.js'
import { typedText, whole } from '../primitives.js'
import { dayOf, type Day } from './day.js'
import { OpsSchema } from './ops.js'

/** A batch is at most this many bytes of UTF-8 JSON. */
export const MAX_BATCH_BYTES = 16_384

/** Which side of a rollout a device was on; `pinned` when the app itself asked for a version. */
export const ARMS = ['stable', 'candidate', 'pinned'] as const
export type Arm = (typeof ARMS)[number]

/** As much about a device as may be known. */
export const DEVICE_CLASSES = ['desktop', 'mobile', 'other'] as const
export type DeviceClass = (typeof DEVICE_CLASSES)[number]

const BatchIdSchema = typedText<BatchId>(
  v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/, 'not 16 random bytes in lower-case hex')),
)
/** 16 random bytes in hex, drawn once per batch: a retry carries the same id and is counted once. */
export type BatchId = string & v.Brand<'BatchId'>

export const DaySchema = typedText<Day>(
  v.pipe(v.string(), v.check(isCalendarDay, 'not a day such as 2026-11-21')),
)
export const CellSchema = v.strictObject({
  model: ModelNameSchema,
  version: VersionSchema,
  arm: v.picklist(ARMS),
  backend: v.picklist(BACKENDS),
  device: v.picklist(DEVICE_CLASSES),
  epoch: whole,
  step: whole,
})
/** What the counts of a batch are about: one version, on one side of one step of a rollout, on one sort of device. */
export type Cell = Readonly<v.InferOutput<typeof CellSchema>>

/** See {@link Batch}. Strict: an unknown field is refused, so that nothing can be sent by accident. */
export const BatchSchema = v.strictObject({
  v: v.literal(1),
  id: BatchIdSchema,
  day: DaySchema,
  sdk: VersionSchema,
  cell: CellSchema,
  firstToday: v.boolean(),
  ops: OpsSchema,
})

/**
 * One telemetry batch, the only thing a device ever sends. `firstToday` is true in the first batch of a device for
 * this model and version on this day: summed, it counts device-days without naming a device.
 */
export type Batch = Readonly<v.InferOutput<typeof BatchSchema>>

/**
 * Parses the body of a batch.
 *
 * @throws AfieldError `batch/too-large` above {@link MAX_BATCH_BYTES}; `batch/invalid` for anything that is not
 *   exactly a {@link Batch}, naming the field.
 */
export function parseBatch(text: string): Batch {
  if (text.length > MAX_BATCH_BYTES || utf8(text).length > MAX_BATCH_BYTES) {
    throw new AfieldError('batch/too-large', `A batch is at most ${MAX_BATCH_BYTES} bytes of UTF-8.`)
  }
  return parseWith(BatchSchema, parseText(text), 'batch/invalid', 'The batch')
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new AfieldError('batch/invalid', 'The batch is not JSON.', { cause })
  }
}

function isCalendarDay(text: string): boolean {
  const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : NaN
  return Number.isFinite(time) && dayOf(time) === text
}
