import * as v from 'valibot'
import type { Input } from './contract.js'
import { OutputsSchema } from './outputs.js'

/** The contract of models that take some kinds of input: a device loads the code of no other. */
export function contractSchema<I extends Input>(input: v.GenericSchema<unknown, I>) {
  return v.pipe(
    v.object({ input, outputs: OutputsSchema }),
    v.check(
      ({ input, outputs }) => !idsOf(input).some((id) => outputs.some(({ name }) => name === id)),
      'an id and an output have the same name',
    ),
  )
}

/** The fields that an answer gives back. */
function idsOf(input: Input): readonly string[] {
  if (input.kind !== 'record') return []
  return input.fields.filter(({ type }) => type === 'id').map(({ name }) => name)
}
