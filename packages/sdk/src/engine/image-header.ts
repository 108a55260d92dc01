interface ImageSize {
  readonly width: number
  readonly height: number
}

/** Where the size stands even after a JPEG's preview and colour profile. */
const HEADER_BYTES = 256 * 1024

/**
 * What a file says of its own size, so that one that is too large need not be decoded to see that. It may be turned by
 * 90 degrees.
 *
 * @returns `undefined` for other formats than PNG, JPEG, GIF and WebP.
 */
export async function readImageSize(file: Blob): Promise<ImageSize | undefined> {
  const view = new DataView(await file.slice(0, HEADER_BYTES).arrayBuffer())
  try {
    return sizeIn(view)
  } catch (error) {
    // The header ends too early: whatever it is, decoding it will tell.
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function sizeIn(view: DataView): ImageSize | undefined {
  const start = view.getUint32(0)
  if (start === 0x89504e47) return { width: view.getUint32(16), height: view.getUint32(20) }
  if (start >>> 8 === 0xffd8ff) return sizeInJpeg(view)
  if (start === 0x47494638) return { width: view.getUint16(6, true), height: view.getUint16(8, true) }
  if (start === 0x52494646 && view.getUint32(8) === 0x57454250) return sizeInWebp(view)
  return undefined
}

/** It stands in the frame header, after segments of any number. */
function sizeInJpeg(view: DataView): ImageSize | undefined {
  let at = 2
  while (view.getUint8(at) === 0xff) {
    const marker = view.getUint8(at + 1)
    // SOF0 to SOF15; three numbers among them mean something else.
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      return { width: view.getUint16(at + 7), height: view.getUint16(at + 5) }
    }
    // Bytes of 0xff may fill the space before a marker.
    at += marker === 0xff ? 1 : 2 + view.getUint16(at + 2)
  }
  return undefined
}

/** By the first chunk: extended, lossless, or lossy. */
function sizeInWebp(view: DataView): ImageSize | undefined {
  switch (view.getUint32(12)) {
    case 0x56503858: {
      const side = (at: number): number => view.getUint16(at, true) + (view.getUint8(at + 2) << 16) + 1
      return { width: side(24), height: side(27) }
    }
    case 0x5650384c: {
      const bits = view.getUint32(21, true)
      return { width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1 }
    }
    case 0x56503820:
      return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff }
    default:
      return undefined
  }
}
