import * as v from 'valibot'
import { AudioInputSchema, type AudioInput } from './audio.js'
import { ImageInputSchema, type ImageInput } from './image.js'
import { RecordInputSchema, type RecordInput } from './record.js'
import { TensorsInputSchema, type TensorsInput } from './tensors.js'
import { shapeBy } from '../primitives.js'
import { contractSchema } from './schema.js'
import { TextInputSchema, type TextInput } from './text.js'

export type Input = RecordInput | TensorsInput | ImageInput | AudioInput | TextInput
export type InputKind = Input['kind']

/**
 * The contract: what a model takes and gives, in the words of the app rather than of the graph. One and the same
 * contract travels from training to the device.
 */
export const ContractSchema = contractSchema(
  shapeBy('kind', {
    record: RecordInputSchema,
    tensors: TensorsInputSchema,
    image: ImageInputSchema,
    audio: AudioInputSchema,
    text: TextInputSchema,
  }),
)
export type Contract = v.InferOutput<typeof ContractSchema>
