import * as v from 'valibot'
import { parseWith } from '../parse.js'
import { AudioInputSchema, type AudioInput } from './audio.js'
import { ImageInputSchema, type ImageInput } from './image.js'
import { OutputsSchema } from './outputs.js'
import { RecordInputSchema, type RecordInput } from './record.js'
import { TensorsInputSchema, type TensorsInput } from './tensors.js'
import { TextInputSchema, type TextInput } from './text.js'

export type Input = RecordInput | TensorsInput | ImageInput | AudioInput | TextInput
export type InputKind = Input['kind']

/**
 * The contract: what a model takes and gives, in the words of the app rather than of the graph. One and the same
 * contract travels from training to the device.
 */
export const ContractSchema = contractSchema(
  v.variant('kind', [
    RecordInputSchema,
    TensorsInputSchema,
    ImageInputSchema,
    AudioInputSchema,
    TextInputSchema,
  ]),
)
export type Contract = v.InferOutput<typeof ContractSchema>

/**
 * Parses the contract of a descriptor.
 *
 * @throws AfieldError `descriptor/invalid`.
 */
export function parseContract(value: unknown): Contract {
  return parseWith(ContractSchema, value, 'descriptor/invalid', 'The contract')
}

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
