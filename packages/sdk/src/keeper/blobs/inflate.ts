import { AfieldError, type ErrorCode } from '@afield/protocol'
import { readAtMost } from '../read-at-most.js'

/**
 * Unpacks gzip to the size that was signed. A decompression bomb stops at the first piece too many.
 *
 * @throws AfieldError `chunk/size-mismatch` when more or less comes out; `chunk/hash-mismatch` when it is no gzip.
 */
export async function inflate(
  packed: Uint8Array<ArrayBuffer>,
  size: number,
  file: string,
): Promise<Uint8Array<ArrayBuffer>> {
  let bytes: Uint8Array<ArrayBuffer> | undefined
  try {
    bytes = await readAtMost(new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip')), size)
  } catch (cause) {
    throw refused('chunk/hash-mismatch', file, 'is gzip that is cut or broken', cause)
  }
  if (bytes?.length === size) return bytes
  throw refused('chunk/size-mismatch', file, `does not unpack to the ${size} bytes that were signed`)
}

function refused(code: ErrorCode, file: string, what: string, cause?: unknown): AfieldError {
  const message = `${file} ${what}. It is tried again at the next check.`
  return new AfieldError(code, message, { cause, details: { file } })
}
