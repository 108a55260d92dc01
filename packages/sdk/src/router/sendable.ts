import { checkImageSize, invalidInput } from '@afield/protocol'

type Picture = (HTMLCanvasElement | HTMLImageElement | HTMLVideoElement | OffscreenCanvas) &
  Partial<
    Pick<HTMLVideoElement, 'videoWidth' | 'videoHeight'> &
      Pick<HTMLImageElement, 'naturalWidth' | 'naturalHeight'>
  >

/**
 * Makes of what only a page can hold something that a worker can be sent: of canvases, images and videos a bitmap of
 * what they show now, which is the caller's to transfer; of an `AudioBuffer` its samples. Everything else is returned
 * as it is. Kinds are told by name, since no server has them and an iframe has its own.
 *
 * @throws AfieldError `input/invalid`, field `image`.
 */
export function toSendable(input: unknown): unknown {
  const kind = Object.prototype.toString.call(input)
  if (/HTML(Canvas|Image|Video)|OffscreenC/.test(kind)) return toBitmap(input as Picture)
  if (kind !== '[object AudioBuffer]') return input
  const { sampleRate, numberOfChannels: length } = input as AudioBuffer
  return {
    sampleRate,
    samples: Array.from({ length }, (_, i) => (input as AudioBuffer).getChannelData(i)),
  }
}

async function toBitmap(picture: Picture): Promise<ImageBitmap> {
  // As it is, which need not be as large as it is shown.
  const width = picture.videoWidth ?? picture.naturalWidth ?? picture.width
  const height = picture.videoHeight ?? picture.naturalHeight ?? picture.height
  checkImageSize(width, height)
  try {
    return await createImageBitmap(picture, { premultiplyAlpha: 'none', colorSpaceConversion: 'none' })
  } catch (cause) {
    throw invalidInput('image', 'malformed', 'cannot be read: it is broken, or still loading', cause)
  }
}
