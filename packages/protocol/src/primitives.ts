import * as v from 'valibot'

/** 0, 1, 2 … */
export const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0))

/** 1, 2, 3 … */
export const positive = v.pipe(v.number(), v.safeInteger(), v.minValue(1))

export const finite = v.pipe(v.number(), v.finite())

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/

/** A moment as RFC 3339 writes it, which `Date.parse` understands everywhere. */
export const moment = v.pipe(
  v.string(),
  v.check(
    (text) => RFC_3339.test(text) && !Number.isNaN(Date.parse(text)),
    'not a time such as 2026-11-21T12:00:00Z',
  ),
)

/**
 * Gives the text that a schema accepts a type of its own, as `v.brand` does with code that every device would load.
 *
 * @__NO_SIDE_EFFECTS__
 */
export function textOf<Text extends string>(schema: v.GenericSchema<string>): v.GenericSchema<string, Text> {
  return schema as v.GenericSchema<string, Text>
}
