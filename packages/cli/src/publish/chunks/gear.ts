import { createHash } from 'node:crypto'
import { MAX_CHUNK_BYTES } from '@afield/protocol'
import type { Span } from './boundaries.js'

export const MIN_CHUNK_BYTES = 256 * 1024
/** From here on a cut is likelier, which keeps most chunks near 1 MiB. */
const NORMAL_BYTES = 768 * 1024
/** Of the 32 bits of the hash, how many must be zero for a cut, before and after `NORMAL_BYTES`. */
const EARLY_BITS = 22
const LATE_BITS = 18

/** A fixed random number for each byte. Another table would cut every published model elsewhere. */
const GEAR = Uint32Array.from({ length: 256 }, (_, byte) =>
  createHash('sha256').update(Uint8Array.of(byte)).digest().readUInt32LE(0),
)

/**
 * Cuts a span where its content says so (FastCDC with normalised chunking,
 * https://www.usenix.org/conference/atc16/technical-sessions/presentation/xia): the same bytes are cut alike wherever
 * they stand, so that an insertion moves the cuts near it and no others.
 *
 * @param span at least the minimum long, else it comes back whole.
 * @returns pieces of 256 KiB to 4 MiB that join to the span.
 */
export function cutByContent(bytes: Uint8Array, { start, end }: Span): readonly Span[] {
  const pieces: Span[] = []
  for (let at = start; at < end;) {
    const cut = withoutTail(at, nextCut(bytes, at, end), end)
    pieces.push({ start: at, end: cut })
    at = cut
  }
  return pieces
}

function nextCut(bytes: Uint8Array, start: number, end: number): number {
  const limit = Math.min(end, start + MAX_CHUNK_BYTES)
  const normal = Math.min(limit, start + NORMAL_BYTES)
  let hash = 0
  let at = Math.min(limit, start + MIN_CHUNK_BYTES)
  for (; at < normal; at++) {
    hash = ((hash << 1) + (GEAR[bytes[at] ?? 0] ?? 0)) | 0
    if (hash >>> (32 - EARLY_BITS) === 0) return at + 1
  }
  for (; at < limit; at++) {
    hash = ((hash << 1) + (GEAR[bytes[at] ?? 0] ?? 0)) | 0
    if (hash >>> (32 - LATE_BITS) === 0) return at + 1
  }
  return limit
}

/** Moves a cut that would leave a last piece below the minimum. */
function withoutTail(start: number, cut: number, end: number): number {
  if (end - cut >= MIN_CHUNK_BYTES || cut === end) return cut
  return end - start <= MAX_CHUNK_BYTES ? end : end - MIN_CHUNK_BYTES
}
