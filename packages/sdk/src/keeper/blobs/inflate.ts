import { AfieldError, type ErrorCode } from '@afield/protocol'

/**
 * Unpacks gzip into a buffer of the size that was signed. A decompression bomb stops at the first byte too many.
 *
 * @throws AfieldError `chunk/size-mismatch` when more or less comes out; `chunk/hash-mismatch` when it is no gzip.
 */
export async function inflate(
  packed: Uint8Array<ArrayBuffer>,
  size: number,
  file: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(size)
  let length = 0
  const reader = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip')).getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      if (length + value.length > size) {
        throw refused('chunk/size-mismatch', file, `unpacks to more than the ${size} bytes that were signed`)
      }
      bytes.set(value, length)
      length += value.length
    }
  } catch (cause) {
    if (cause instanceof AfieldError) {
      await reader.cancel()
      throw cause
    }
    throw refused('chunk/hash-mismatch', file, 'is gzip that is cut or broken', cause)
  }
  if (length < size)
    throw refused(
      'chunk/size-mismatch',
      file,
      `unpacks to ${length} bytes instead of the ${size} that were signed`,
    )
  return bytes
}

function refused(code: ErrorCode, file: string, what: string, cause?: unknown): AfieldError {
  const message = `${file} ${what}. Nothing of it is kept; it is fetched again at the next check.`
  return new AfieldError(code, message, { cause, details: { file } })
}
