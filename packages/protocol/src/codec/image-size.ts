import { invalidInput } from './refuse.js'

/** More pixels than most cameras have; four bytes each are held while a picture is read. */
export const MAX_IMAGE_PIXELS = 32_000_000
/** What a JPEG can have. */
export const MAX_IMAGE_SIDE = 65_535

/**
 * Refuses what is too small or too large, before anything is read of it.
 *
 * @throws AfieldError `input/invalid`, field `image`, problem `empty` or `too-large`.
 */
export function checkImageSize(width: number, height: number): void {
  if (width === 0 || height === 0) {
    throw invalidInput(
      'image',
      'empty',
      'is 0 pixels wide or high: wait until it has loaded, and do not close it before',
    )
  }
  if (width * height > MAX_IMAGE_PIXELS || Math.max(width, height) > MAX_IMAGE_SIDE) {
    const most = `${MAX_IMAGE_PIXELS / 1_000_000} megapixels and ${MAX_IMAGE_SIDE} pixels a side`
    throw invalidInput('image', 'too-large', `is larger than ${most}: make it smaller first`)
  }
}
