import { AfieldError, checkImageSize, invalidInput } from '@afield/protocol'
import { readImageSize } from './image-header.js'

type Drawable = ImageBitmap | VideoFrame | OffscreenCanvas

/** Of the settings of a canvas, those that TypeScript does not know yet. */
interface CanvasSettings extends CanvasRenderingContext2DSettings {
  readonly colorType?: 'unorm8' | 'float16'
}

/** As the file has them: neither multiplied by alpha nor fitted to the screen's colours, but the right way up. */
const AS_IN_FILE = {
  imageOrientation: 'from-image',
  premultiplyAlpha: 'none',
  colorSpaceConversion: 'none',
} as const

/**
 * Reads the pixels of whatever a browser can draw: an `ImageBitmap`, a `VideoFrame`, an `OffscreenCanvas`, or a file in a
 * format that it can decode. Anything else is handed back as it is, an `ImageData` too, which is pixels already. Bitmaps
 * and frames are closed: a worker was given them for this.
 *
 * @throws AfieldError `input/invalid`, field `image`, when it is empty, too large or no picture; `platform/unsupported`
 *   in a browser without `OffscreenCanvas`.
 */
export function createPixelReader(): (image: unknown) => unknown {
  const draw = createDrawing()
  const read = (image: Drawable): ImageData => {
    try {
      const [width, height] = sizeOf(image)
      checkImageSize(width, height)
      return draw(image, width, height)
    } finally {
      if ('close' in image) image.close()
    }
  }
  return (image) => {
    switch (Object.prototype.toString.call(image)) {
      case '[object ImageBitmap]':
      case '[object VideoFrame]':
      case '[object OffscreenCanvas]':
        return read(image as Drawable)
      case '[object Blob]':
      case '[object File]':
        return decode(image as Blob).then(read)
      default:
        return image
    }
  }
}

function sizeOf(image: Drawable): readonly [number, number] {
  return 'displayWidth' in image ? [image.displayWidth, image.displayHeight] : [image.width, image.height]
}

async function decode(file: Blob): Promise<ImageBitmap> {
  if (file.size === 0) throw invalidInput('image', 'empty', 'is a file of 0 bytes')
  const size = await readImageSize(file)
  if (size) checkImageSize(size.width, size.height)
  try {
    return await createImageBitmap(file, AS_IN_FILE)
  } catch (cause) {
    throw invalidInput(
      'image',
      'malformed',
      'is not a picture that this browser can decode, whatever its name',
      cause,
    )
  }
}

/** One canvas for all pictures, since browsers are slow to give the memory of canvases back. */
function createDrawing(): (image: Drawable, width: number, height: number) => ImageData {
  let plain: Canvas | undefined
  let precise: Canvas | undefined
  return (image, width, height) => {
    plain ??= new Canvas({})
    const pixels = plain.read(image, width, height)
    if (!isTranslucent(pixels.data)) return pixels
    // A canvas holds colours multiplied by alpha, and eight bits are too few to take that back exactly.
    precise ??= new Canvas({ colorType: 'float16' })
    return precise.read(image, width, height)
  }
}

class Canvas {
  readonly #canvas: OffscreenCanvas
  readonly #context: OffscreenCanvasRenderingContext2D

  constructor(settings: CanvasSettings) {
    const canvas = typeof OffscreenCanvas === 'undefined' ? undefined : new OffscreenCanvas(1, 1)
    const context = canvas?.getContext('2d', { willReadFrequently: true, ...settings })
    if (!canvas || !context) {
      throw new AfieldError(
        'platform/unsupported',
        'This browser cannot read pictures in a worker (it has no OffscreenCanvas). Give predict() an ImageData.',
      )
    }
    this.#canvas = canvas
    this.#context = context
  }

  read(image: Drawable, width: number, height: number): ImageData {
    try {
      this.#canvas.width = width
      this.#canvas.height = height
      this.#context.drawImage(image, 0, 0, width, height)
      return this.#context.getImageData(0, 0, width, height)
    } catch (cause) {
      throw new AfieldError(
        'input/invalid',
        '"image" could not be read: it is closed, or it is from another site that does not allow it.',
        { cause, details: { field: 'image', problem: 'malformed' } },
      )
    } finally {
      this.#canvas.width = 1
      this.#canvas.height = 1
    }
  }
}

function isTranslucent(rgba: Uint8ClampedArray): boolean {
  for (let i = 3; i < rgba.length; i += 4) {
    const alpha = rgba[i] ?? 0
    if (alpha !== 255 && alpha !== 0) return true
  }
  return false
}
