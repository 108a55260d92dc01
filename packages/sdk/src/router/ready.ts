import { AfieldError, invalidInput } from '@afield/protocol'
import type { Asked } from '../engine/messages.js'
import { toSendable } from './sendable.js'

/** A question that can be sent, and the bitmap in it that was made for that. */
export interface Ready {
  readonly asked: Asked
  readonly bitmap?: ImageBitmap
}

/** @throws AfieldError `input/invalid`. */
export function readied(asked: Asked): Ready | Promise<Ready> {
  if ('golden' in asked) return { asked }
  const input = toSendable(asked.input)
  // What the app forgot to await is its own.
  if (!(input instanceof Promise) || input === asked.input) return { asked: { ...asked, input } }
  return input.then((bitmap: ImageBitmap) => ({ asked: { ...asked, input: bitmap }, bitmap }))
}

/** Why the browser refused to send a question. */
export function unsendable(bitmap: ImageBitmap | undefined): AfieldError {
  if (bitmap) {
    return invalidInput(
      'image',
      'malformed',
      'is from another site: set crossorigin="anonymous" on it, and have that site allow it (CORS)',
    )
  }
  return new AfieldError(
    'input/invalid',
    'The input holds something that cannot be sent to a worker, such as a function, a promise or a reactive ' +
      'object of a framework. Give a plain copy.',
    { details: { problem: 'mistyped' } },
  )
}
