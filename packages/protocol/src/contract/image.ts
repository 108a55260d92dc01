import * as v from 'valibot'
import { finite, listOf, wholeFrom } from '../primitives.js'
import { DescriptionSchema, TensorNameSchema } from './names.js'

const side = wholeFrom(1, 4096)
const level = wholeFrom(0, 255)
const perChannel = listOf(finite, 1, 3)

/**
 * A picture, resized and normalised as training did it: value = (pixel × scale − mean) ÷ std, pixels from 0 to 255.
 * Resizing follows Pillow's `Image.resize`.
 */
export const ImageInputSchema = v.pipe(
  v.object({
    kind: v.literal('image'),
    tensor: TensorNameSchema,
    dtype: v.optional(v.picklist(['float32', 'float16', 'uint8']), 'float32'),
    /** Of the graph's input: [N, channels, height, width], or channels last. */
    layout: v.optional(v.picklist(['nchw', 'nhwc']), 'nchw'),
    /** Gray is Pillow's `convert("L")`, before anything is resized. */
    color: v.optional(v.picklist(['rgb', 'bgr', 'gray']), 'rgb'),
    width: side,
    height: side,
    /** `stretch` to the size; `cover` it and cut the middle out; `contain` all of it and pad with `background`. */
    fit: v.optional(v.picklist(['stretch', 'cover', 'contain']), 'stretch'),
    /** With `cover`: what the shorter side is resized to before the middle is cut out; default: just enough. */
    shorterSide: v.optional(side),
    resample: v.optional(v.picklist(['nearest', 'box', 'bilinear', 'bicubic', 'lanczos']), 'bilinear'),
    /** Red, green, blue: under what is transparent, and around what is contained. */
    background: v.optional(v.tuple([level, level, level]), [0, 0, 0]),
    /** Default 1 ÷ 255, and 1 for `uint8`. */
    scale: v.optional(finite),
    /** One for all channels, or one each in the order of the tensor's. */
    mean: v.optional(perChannel, [0]),
    std: v.optional(perChannel, [1]),
    description: DescriptionSchema,
  }),
  v.check(
    ({ color, mean, std }) =>
      [mean, std].every(({ length }) => length === 1 || length === (color === 'gray' ? 1 : 3)),
    'mean and std have one value, or one a channel',
  ),
  v.check(({ std }) => !std.includes(0), 'std is zero'),
  v.check(
    ({ dtype, scale, mean, std }) =>
      dtype !== 'uint8' || ((scale ?? 1) === 1 && !mean.some((m) => m !== 0) && !std.some((s) => s !== 1)),
    'uint8 pixels are not normalised',
  ),
  v.check(
    ({ fit, shorterSide, width, height }) =>
      shorterSide === undefined || (fit === 'cover' && shorterSide >= Math.max(width, height)),
    'shorterSide goes with fit: "cover" and is no smaller than the picture',
  ),
)
export type ImageInput = v.InferOutput<typeof ImageInputSchema>
