import * as v from 'valibot'

/** What a schema makes of a value that this device stored; `undefined` for one that is damaged or of another format. */
export function understood<const S extends v.GenericSchema>(
  schema: S,
  value: unknown,
): v.InferOutput<S> | undefined {
  const result = v.safeParse(schema, value)
  return result.success ? result.output : undefined
}
