/**
 * Reads a stream to its end, and no further than one piece past `most` bytes.
 *
 * @param came is told how many bytes each piece has.
 * @returns the bytes, or `undefined` when there are more.
 */
export async function readAtMost(
  stream: ReadableStream<Uint8Array>,
  most: number,
  came?: (bytes: number) => void,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const reader = stream.getReader()
  const parts: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    came?.(value.length)
    length += value.length
    if (length > most) {
      await reader.cancel()
      return undefined
    }
    parts.push(value)
  }
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
