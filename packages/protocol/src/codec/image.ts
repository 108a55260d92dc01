import { ImageInputSchema, type ImageInput } from '../contract/image.js'
import { AfieldError } from '../errors.js'
import type { InputEncoder, InputKindCode } from './encoder.js'
import { toFloat16Bits } from './float16.js'
import { checkImageSize } from './image-size.js'
import { place } from './placement.js'
import { invalidInput, type InputProblem } from './refuse.js'
import { resize } from './resize.js'

/** Pixels as red, green, blue, alpha, row by row; colours are not multiplied by alpha. An `ImageData` is one. */
export interface PlainImage {
  readonly width: number
  readonly height: number
  readonly data: Uint8ClampedArray | Uint8Array
}

/** A picture in the graph's size and colours, row by row, channels interleaved: red, green, blue, or gray. */
type Pixels = Uint8Array

export interface ImageEncoder extends InputEncoder<Pixels> {
  /** At once: nothing is left to decode. */
  prepare(image: unknown): Pixels
}

/** Inputs of kind `image`, from pixels on. What a browser calls an image is decoded before. */
export const imageKind = {
  schema: ImageInputSchema,
  createEncoder: createImageEncoder,
} satisfies InputKindCode<ImageInput>

/**
 * @throws AfieldError `descriptor/invalid` when normalising gives numbers that the tensor cannot hold.
 * @example
 * const encoder = createImageEncoder(contract.input)
 * const { x } = encoder.encode([encoder.prepare({ width, height, data })]) // [1, 3, 224, 224]
 */
export function createImageEncoder(input: ImageInput): ImageEncoder {
  const channels = input.color === 'gray' ? 1 : 3
  const area = input.width * input.height
  const tables = Array.from({ length: channels }, (_, channel) => normalised(input, channel))
  const last = input.layout === 'nhwc'
  return {
    prepare: (image) => toPixels(input, checkImage(image)),
    rows: () => 1,
    size: ({ length }) => length,
    encode(images) {
      const data = allocate(input.dtype, images.length * area * channels)
      for (const [n, pixels] of images.entries()) {
        for (const [channel, table] of tables.entries()) {
          let from = input.color === 'bgr' ? 2 - channel : channel
          let to = n * area * channels + (last ? channel : channel * area)
          for (let i = 0; i < area; i++, from += channels, to += last ? channels : 1) {
            data[to] = table[pixels[from] ?? 0] ?? 0
          }
        }
      }
      const size = [input.height, input.width]
      const dims = [images.length, ...(last ? [...size, channels] : [channels, ...size])]
      return { [input.tensor]: { dtype: input.dtype, dims, data } }
    },
  }
}

function checkImage(image: unknown): PlainImage {
  if (typeof image !== 'object' || image === null) {
    throw invalid('mistyped', 'takes pixels: an object of width, height and data')
  }
  const { width, height, data } = image as Partial<PlainImage>
  if (!isSide(width) || !isSide(height)) {
    throw invalid('mistyped', 'takes a width and a height in whole pixels')
  }
  checkImageSize(width, height)
  if (!(data instanceof Uint8ClampedArray || data instanceof Uint8Array)) {
    throw invalid('mistyped', 'takes its pixels as a Uint8ClampedArray or Uint8Array')
  }
  if (data.length !== width * height * 4) {
    throw invalid('shape', 'does not have four bytes a pixel: red, green, blue, alpha')
  }
  return { width, height, data }
}

function isSide(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function toPixels(input: ImageInput, image: PlainImage): Pixels {
  const channels = input.color === 'gray' ? 1 : 3
  const { x, y, left, top } = place(input, image.width, image.height)
  const row = input.color === 'gray' ? grayRows(image, input.background) : colourRows(image, input.background)
  const resized = resize({ row, channels, x, y, filter: input.resample })
  if (x.size === input.width && y.size === input.height) return resized
  const pixels = new Uint8Array(input.width * input.height * channels)
  const [red, green, blue] = input.background
  const around = channels === 1 ? [luma(red, green, blue)] : input.background
  for (let i = 0; i < pixels.length; i++) pixels[i] = around[i % channels] ?? 0
  const length = x.size * channels
  for (let at = 0; at < y.size; at++) {
    const from = at * length
    pixels.set(resized.subarray(from, from + length), ((top + at) * input.width + left) * channels)
  }
  return pixels
}

/** Rows of three channels, over the background. They share their memory. */
function colourRows({ width, data }: PlainImage, background: ImageInput['background']) {
  const [red, green, blue] = background
  const row = new Uint8Array(width * 3)
  return (y: number): Uint8Array => {
    for (let from = y * width * 4, to = 0; to < row.length; from += 4, to += 3) {
      const alpha = data[from + 3] ?? 0
      const r = data[from] ?? 0
      const g = data[from + 1] ?? 0
      const b = data[from + 2] ?? 0
      row[to] = alpha === 255 ? r : over(r, red, alpha)
      row[to + 1] = alpha === 255 ? g : over(g, green, alpha)
      row[to + 2] = alpha === 255 ? b : over(b, blue, alpha)
    }
    return row
  }
}

/** Gray before it is resized, as of a picture that was opened as gray. */
function grayRows(image: PlainImage, background: ImageInput['background']) {
  const colours = colourRows(image, background)
  const row = new Uint8Array(image.width)
  return (y: number): Uint8Array => {
    const colour = colours(y)
    for (let to = 0, from = 0; to < row.length; to++, from += 3) {
      row[to] = luma(colour[from] ?? 0, colour[from + 1] ?? 0, colour[from + 2] ?? 0)
    }
    return row
  }
}

/** A colour over another one, rounded as Pillow's `paste` with a mask does. */
function over(colour: number, below: number, alpha: number): number {
  const sum = colour * alpha + below * (255 - alpha) + 128
  return (sum + (sum >> 8)) >> 8
}

/** ITU-R 601 in the integers of Pillow's `convert("L")`. */
function luma(red: number, green: number, blue: number): number {
  return (red * 19_595 + green * 38_470 + blue * 7_471 + 0x8000) >> 16
}

/** What the tensor holds for each of the 256 values of a pixel. */
function normalised(input: ImageInput, channel: number): Numbers {
  const scale = input.scale ?? (input.dtype === 'uint8' ? 1 : 1 / 255)
  const mean = input.mean[channel] ?? input.mean[0] ?? 0
  const std = input.std[channel] ?? input.std[0] ?? 1
  const table = allocate(input.dtype, 256)
  const largest = input.dtype === 'float16' ? 65_504 : 3.4028234663852886e38
  for (let pixel = 0; pixel < 256; pixel++) {
    const value = (pixel * scale - mean) / std
    if (!(Math.abs(value) <= largest)) {
      throw new AfieldError(
        'descriptor/invalid',
        `The contract's scale, mean and std give pixels that ${input.dtype} cannot hold.`,
      )
    }
    table[pixel] = input.dtype === 'float16' ? toFloat16Bits(value) : value
  }
  return table
}

type Numbers = Float32Array | Uint16Array | Uint8Array

function allocate(dtype: ImageInput['dtype'], length: number): Numbers {
  switch (dtype) {
    case 'float32':
      return new Float32Array(length)
    case 'float16':
      return new Uint16Array(length)
    case 'uint8':
      return new Uint8Array(length)
  }
}

function invalid(problem: InputProblem, rule: string): AfieldError {
  return invalidInput('image', problem, rule)
}
