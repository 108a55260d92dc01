import type { ImageInput } from '../contract/image.js'
import type { Axis } from './resize.js'
import { roundHalfEven } from './rounding.js'

/** How a picture comes into the frame that the graph takes: resized, cut, and put in place. */
export interface Placement {
  readonly x: Axis
  readonly y: Axis
  /** Where its left upper corner comes to lie. */
  readonly left: number
  readonly top: number
}

type Frame = Pick<ImageInput, 'width' | 'height' | 'fit' | 'shorterSide'>

/**
 * Places a picture of `width` × `height` pixels: `cover` rounds as torchvision's `Resize` and `CenterCrop` do, `contain`
 * as Pillow's `ImageOps.pad`.
 */
export function place(frame: Frame, width: number, height: number): Placement {
  switch (frame.fit) {
    case 'stretch':
      return {
        x: { source: width, resized: frame.width, from: 0, size: frame.width },
        y: { source: height, resized: frame.height, from: 0, size: frame.height },
        left: 0,
        top: 0,
      }
    case 'cover': {
      const resized = coverSize(frame, width, height)
      return {
        x: middle(width, resized.width, frame.width),
        y: middle(height, resized.height, frame.height),
        left: 0,
        top: 0,
      }
    }
    case 'contain': {
      const resized = containSize(frame, width, height)
      return {
        x: { source: width, resized: resized.width, from: 0, size: resized.width },
        y: { source: height, resized: resized.height, from: 0, size: resized.height },
        left: roundHalfEven((frame.width - resized.width) / 2),
        top: roundHalfEven((frame.height - resized.height) / 2),
      }
    }
  }
}

interface Size {
  readonly width: number
  readonly height: number
}

function coverSize(frame: Frame, width: number, height: number): Size {
  const { shorterSide } = frame
  // Without `shorterSide`, the side that would not cover otherwise gets just its size.
  const byWidth = shorterSide === undefined ? width * frame.height <= height * frame.width : width <= height
  return byWidth
    ? {
        width: shorterSide ?? frame.width,
        height: Math.trunc(((shorterSide ?? frame.width) * height) / width),
      }
    : {
        width: Math.trunc(((shorterSide ?? frame.height) * width) / height),
        height: shorterSide ?? frame.height,
      }
}

function middle(source: number, resized: number, size: number): Axis {
  return { source, resized, from: roundHalfEven((resized - size) / 2), size }
}

function containSize(frame: Frame, width: number, height: number): Size {
  const ratio = width / height
  const wanted = frame.width / frame.height
  // Pillow refuses a side of nothing; a very long picture is one pixel wide here.
  if (ratio > wanted)
    return { width: frame.width, height: Math.max(roundHalfEven((height / width) * frame.width), 1) }
  if (ratio < wanted)
    return { width: Math.max(roundHalfEven((width / height) * frame.height), 1), height: frame.height }
  return { width: frame.width, height: frame.height }
}
