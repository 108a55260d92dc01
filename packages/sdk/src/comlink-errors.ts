import { errorFromData, errorToData, type ErrorData } from '@afield/protocol'
import { transferHandlers, type TransferHandler } from 'comlink'

interface Thrown {
  readonly value: unknown
}

const plain = transferHandlers.get('throw')

/**
 * Keeps `code`, `details` and `cause` of an error across a worker boundary, where Comlink alone keeps only its
 * message. Call once on either side.
 */
export function keepErrorCodes(): void {
  if (!plain) throw new Error('Comlink has no "throw" handler to extend')
  const handler: TransferHandler<Thrown, ErrorData> = {
    canHandle: (value): value is Thrown => plain.canHandle(value),
    serialize: ({ value }) => [errorToData(value), []],
    deserialize: (data) => {
      throw errorFromData(data)
    },
  }
  transferHandlers.set('throw', handler)
}
