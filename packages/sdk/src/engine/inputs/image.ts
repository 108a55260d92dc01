import { createImageEncoder, imageKind, type ImageInput, type InputKindCode } from '@afield/protocol'
import { createPixelReader } from '../pixels.js'

/** Pictures, as everything that a browser calls one. */
export default {
  schema: imageKind.schema,
  createEncoder(input) {
    const encoder = createImageEncoder(input)
    const readPixels = createPixelReader()
    return {
      ...encoder,
      prepare: async (image) => encoder.prepare(await readPixels(image)),
    }
  },
} satisfies InputKindCode<ImageInput>
