import { AfieldError, invalidInput } from '@afield/protocol'

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
