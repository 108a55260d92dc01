import * as v from 'valibot'

// The schemas that devices parse by are made of few kinds of check, since each kind is code that they all load.

/**
 * A whole number within bounds.
 *
 * @__NO_SIDE_EFFECTS__
 */
export function wholeFrom(least: number, most: number) {
  return v.pipe(
    v.number(),
    v.check(
      (number) => Number.isSafeInteger(number) && number >= least && number <= most,
      `not a whole number from ${least} to ${most}`,
    ),
  )
}

/** 0, 1, 2 … */
export const whole = wholeFrom(0, Number.MAX_SAFE_INTEGER)

/** 1, 2, 3 … */
export const positive = wholeFrom(1, Number.MAX_SAFE_INTEGER)

/**
 * Text of so many UTF-16 units.
 *
 * @__NO_SIDE_EFFECTS__
 */
export function text(least: number, most: number) {
  return v.pipe(v.string(), lengthFrom<string>(least, most))
}

/**
 * A list of so many items.
 *
 * @__NO_SIDE_EFFECTS__
 */
export function listOf<const S extends v.GenericSchema>(item: S, least: number, most: number) {
  return v.pipe(v.array(item), lengthFrom<v.InferOutput<S>[]>(least, most))
}

/** @__NO_SIDE_EFFECTS__ */
function lengthFrom<T extends { readonly length: number }>(least: number, most: number) {
  return v.check<T, string>(
    ({ length }) => length >= least && length <= most,
    `its length is not ${least} to ${most}`,
  )
}

export const finite = v.pipe(
  v.number(),
  v.check((number) => Number.isFinite(number), 'not a finite number'),
)

/**
 * One of several shapes, told apart by the text that one field has in each.
 *
 * @__NO_SIDE_EFFECTS__
 */
export function shapeBy<
  const Key extends string,
  const Shapes extends Readonly<Record<string, v.GenericSchema<unknown, unknown>>>,
>(key: Key, shapes: Shapes): v.GenericSchema<unknown, v.InferOutput<Shapes[keyof Shapes]>> {
  const names = Object.keys(shapes)
  const unknown = v.object({ [key]: v.picklist(names) })
  return v.lazy((value) => {
    const name = (value as { readonly [name in string]?: unknown } | null | undefined)?.[key]
    const shape = typeof name === 'string' && Object.hasOwn(shapes, name) ? shapes[name] : undefined
    return shape ?? unknown
  }) as v.GenericSchema<unknown, v.InferOutput<Shapes[keyof Shapes]>>
}

/**
 * Text, or something of another type.
 *
 * @__NO_SIDE_EFFECTS__
 */
export function textOr<const Text extends v.GenericSchema, const Other extends v.GenericSchema>(
  text: Text,
  other: Other,
): v.GenericSchema<unknown, v.InferOutput<Text> | v.InferOutput<Other>> {
  return v.lazy((value) => (typeof value === 'string' ? text : other))
}

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
export function typedText<Text extends string>(
  schema: v.GenericSchema<string>,
): v.GenericSchema<string, Text> {
  return schema as v.GenericSchema<string, Text>
}
