import type { Span } from './boundaries.js'
import { MIN_CHUNK_BYTES, cutByContent } from './gear.js'

/**
 * Cuts a file into chunks: first at the ends of its large tensors, so that a tensor that did not change keeps its
 * chunks whatever happens to its neighbours, then by content inside. Chunks have 256 KiB to 4 MiB; a smaller file
 * is one chunk. The same bytes and tensors always give the same chunks.
 *
 * @param tensors where tensors lie in the file, in any order.
 * @returns spans that join to the file; none for an empty one.
 * @example
 * const chunks = cutFile(model, initializerSpans(model))
 */
export function cutFile(bytes: Uint8Array, tensors: readonly Span[]): readonly Span[] {
  const cuts = boundaries(bytes.length, tensors)
  return cuts.flatMap((end, i) => cutByContent(bytes, { start: cuts[i - 1] ?? 0, end }))
}

/** Where segments end, none of them below the minimum; the last is the end of the file. */
function boundaries(length: number, tensors: readonly Span[]): readonly number[] {
  const wanted = tensors
    .filter(({ start, end }) => end - start >= MIN_CHUNK_BYTES)
    .flatMap(({ start, end }) => [start, end])
    .sort((a, b) => a - b)
  const kept: number[] = []
  for (const at of wanted) {
    const before = kept.at(-1) ?? 0
    if (at - before >= MIN_CHUNK_BYTES && length - at >= MIN_CHUNK_BYTES) kept.push(at)
  }
  return length === 0 ? [] : [...kept, length]
}
