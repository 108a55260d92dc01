import { createImageEncoder, type AfieldError, type PlainImage, type PlainTensor } from '@afield/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { inputError } from './support/contract.js'
import { imageCases, imageInput } from './support/vectors.js'

const FILTERS = ['nearest', 'box', 'bilinear', 'bicubic', 'lanczos'] as const
const PIXELS = { kind: 'image', tensor: 'x', dtype: 'uint8', layout: 'nhwc' } as const

/** The tensor for these pictures. */
function encode(input: Readonly<Record<string, unknown>>, ...images: readonly PlainImage[]): PlainTensor {
  const encoder = createImageEncoder(imageInput({ ...PIXELS, ...input }))
  const { x } = encoder.encode(images.map((image) => encoder.prepare(image)))
  if (!x) throw new Error('There is no tensor x.')
  return x
}

function pixels(input: Readonly<Record<string, unknown>>, ...images: readonly PlainImage[]): number[] {
  return Array.from(encode(input, ...images).data, Number)
}

/** A picture of one colour, opaque unless said otherwise. */
function plain(width: number, height: number, red = 255, green = 255, blue = 255, alpha = 255): PlainImage {
  const pixel = new Uint32Array(Uint8Array.of(red, green, blue, alpha).buffer)[0] ?? 0
  return { width, height, data: new Uint8Array(new Uint32Array(width * height).fill(pixel).buffer) }
}

describe('agrees with Pillow', () => {
  const cases = imageCases()
  const bytes = cases.filter(({ input }) => input.dtype === 'uint8')
  const floats = cases.filter(({ input }) => input.dtype !== 'uint8')

  test.each(bytes)('in every pixel: $name', ({ image, input, dims, data }) => {
    expect(encode(input, image)).toEqual({ dtype: 'uint8', dims, data })
  })

  test.each(floats)('and torchvision: $name', ({ image, input, dims, data }) => {
    const tensor = encode(input, image)
    expect(tensor).toMatchObject({ dtype: input.dtype, dims })
    const half = input.dtype === 'float16'
    const expected = half ? new Uint16Array(data.buffer) : new Float32Array(data.buffer)
    expect(tensor.data).toHaveLength(expected.length)
    const differences = Array.from(expected, (value, i) => Math.abs(value - Number(tensor.data[i])))
    // Of half precision, these are the bits.
    expect(Math.max(...differences)).toBeLessThanOrEqual(half ? 0 : 1e-6)
  })
})

describe('laws', () => {
  const sides = fc.integer({ min: 1, max: 40 })
  const images = fc.tuple(sides, sides).chain(([width, height]) =>
    fc.record({
      width: fc.constant(width),
      height: fc.constant(height),
      data: fc.uint8Array({ minLength: width * height * 4, maxLength: width * height * 4 }),
    }),
  )
  const inputs = fc.record({
    width: sides,
    height: sides,
    resample: fc.constantFrom(...FILTERS),
    fit: fc.constantFrom('stretch', 'cover', 'contain'),
    color: fc.constantFrom('rgb', 'bgr', 'gray'),
    background: fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255)),
  })

  test('one colour stays that colour, by every filter, size and fit', () => {
    fc.assert(
      fc.property(inputs, sides, sides, fc.nat(255), (input, width, height, level) => {
        const image = plain(width, height, level, level, level)
        const seen = pixels({ ...input, background: [level, level, level] }, image)
        expect(new Set(seen)).toEqual(new Set([level]))
      }),
    )
  })

  test('a batch is its pictures one after the other', () => {
    fc.assert(
      fc.property(inputs, fc.constantFrom('nchw', 'nhwc'), images, images, (input, layout, first, second) => {
        const each = [first, second].flatMap((image) => pixels({ ...input, layout }, image))
        expect(pixels({ ...input, layout }, first, second)).toEqual(each)
        expect(encode({ ...input, layout }, first, second).dims[0]).toBe(2)
      }),
    )
  })

  test('what is transparent shows nothing but the background', () => {
    fc.assert(
      fc.property(inputs, images, (input, image) => {
        const clear = { ...image, data: image.data.map((byte, i) => (i % 4 === 3 ? 0 : byte)) }
        expect(encode(input, clear)).toEqual(encode(input, plain(1, 1, 0, 0, 0, 0)))
      }),
    )
  })

  test('a picture upside down is the same picture upside down', () => {
    const turned = ({ width, height, data }: PlainImage): PlainImage => ({
      width,
      height,
      data: new Uint8Array(new Uint32Array(data.slice().buffer).reverse().buffer),
    })
    fc.assert(
      fc.property(images, fc.constantFrom('box', 'bilinear', 'bicubic'), (image, resample) => {
        const input = { resample, width: image.width * 2, height: image.height * 2, color: 'gray' }
        expect(pixels(input, turned(image))).toEqual(pixels(input, image).reverse())
      }),
    )
  })
})

test('a long strip is cut in its middle', () => {
  const strip = plain(60_000, 2, 9, 9, 9)
  strip.data.fill(255, 29_990 * 4, 30_010 * 4)
  const input = { width: 2, height: 2, fit: 'cover', resample: 'nearest', color: 'gray' }
  expect(pixels(input, strip)).toEqual([255, 255, 9, 9])
})

test('a picture from the edge of what is taken', () => {
  const image = plain(8000, 4000, 1, 2, 3)
  expect(pixels({ width: 1, height: 1 }, image)).toEqual([1, 2, 3])
})

test('half precision is rounded to the nearest, and the tensor may hold any finite number of it', () => {
  const white = plain(1, 1, 255, 255, 255)
  const half = (scale: number) =>
    encode({ dtype: 'float16', width: 1, height: 1, scale: scale / 255 }, white).data[0]
  expect([1, 2, -2, 65504, 2 ** -24, 2 ** -14, 0.1].map(half)).toEqual([
    0x3c00, 0x4000, 0xc000, 0x7bff, 0x0001, 0x0400, 0x2e66,
  ])
})

describe('refused', () => {
  const encoder = createImageEncoder(imageInput({ ...PIXELS, width: 4, height: 4 }))
  const refusal = (image: unknown): AfieldError => {
    try {
      encoder.prepare(image)
    } catch (error) {
      return error as AfieldError
    }
    throw new Error('The picture was taken.')
  }

  test.each<[string, unknown, string]>([
    ['nothing', null, 'mistyped'],
    ['a text', 'cat.png', 'mistyped'],
    ['bytes without a size', new Uint8Array(16), 'mistyped'],
    ['a width in words', { ...plain(2, 2), width: '2' }, 'mistyped'],
    ['half a pixel', { ...plain(2, 2), width: 2.5 }, 'mistyped'],
    ['a negative height', { ...plain(2, 2), height: -2 }, 'mistyped'],
    ['no width', plain(0, 2), 'empty'],
    ['no height', plain(2, 0), 'empty'],
    ['pixels in a list', { width: 1, height: 1, data: [1, 2, 3, 4] }, 'mistyped'],
    ['three bytes a pixel', { width: 2, height: 2, data: new Uint8Array(12) }, 'shape'],
    ['50 megapixels', { width: 10_000, height: 5_000, data: new Uint8Array(4) }, 'too-large'],
    ['one pixel more than is taken', { width: 32_000_001, height: 1, data: new Uint8Array(4) }, 'too-large'],
    ['a side longer than any JPEG', { width: 65_536, height: 1, data: new Uint8Array(4) }, 'too-large'],
  ])('%s', (_, image, problem) => {
    const error = refusal(image)
    expect(error).toEqual(inputError('image', problem))
    expect(error.message).toMatch(/^"image" .{20,}\.$/)
  })

  test.each([
    ['float16', 300],
    ['float32', 1e38],
  ])('a contract whose numbers %s cannot hold', (dtype, scale) => {
    const input = imageInput({ ...PIXELS, dtype, scale, width: 1, height: 1 })
    expect(() => createImageEncoder(input)).toThrow(
      expect.objectContaining({ code: 'descriptor/invalid', message: expect.stringContaining(dtype) }),
    )
  })
})
