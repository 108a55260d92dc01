import { sha256, type Chunk } from '@afield/protocol'

const CHUNK_BYTES = 1024 * 1024

/** A chunk as the descriptor lists it, with its bytes (a view, not a copy). */
export interface CutChunk {
  readonly chunk: Chunk
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** Cuts a file into chunks of 1 MiB; the last is what is left. */
export async function cutChunks(bytes: Uint8Array<ArrayBuffer>): Promise<readonly CutChunk[]> {
  const cuts: CutChunk[] = []
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
    const part = bytes.subarray(start, start + CHUNK_BYTES)
    cuts.push({ chunk: { sha256: await sha256(part), size: part.length }, bytes: part })
  }
  return cuts
}
