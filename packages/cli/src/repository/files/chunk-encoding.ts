import { promisify } from 'node:util'
import { constants, gunzip, gzip } from 'node:zlib'
import { AfieldError, sha256, type Chunk } from '@afield/protocol'

/** Smaller savings are not worth a decompression on every device. */
const WORTHWHILE = 0.03

/** A chunk's bytes as they are stored and sent. */
export interface Encoded {
  readonly encoding: 'gzip' | undefined
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** Gzips a chunk where that saves 3 %. */
export async function encodeChunk(bytes: Uint8Array<ArrayBuffer>): Promise<Encoded> {
  const zipped = await promisify(gzip)(bytes, { level: constants.Z_BEST_COMPRESSION })
  return zipped.length <= bytes.length * (1 - WORTHWHILE)
    ? { encoding: 'gzip', bytes: new Uint8Array(zipped) }
    : { encoding: undefined, bytes }
}

/** Of a gzip header, and the flag that a comment follows it (RFC 1952). */
const HEADER_BYTES = 10
const FLAGS_AT = 3
const COMMENTED = 0x10

/**
 * Encodes a chunk again as one of its listings has it. Another zlib may pack it tighter, so a comment in the gzip header
 * fills it up to the listed size, which devices require.
 *
 * @returns `undefined` when it cannot be packed as tightly as any lists it.
 */
export async function encodeAsListed(
  bytes: Uint8Array<ArrayBuffer>,
  listings: readonly Chunk[],
): Promise<{ readonly chunk: Chunk; readonly bytes: Uint8Array<ArrayBuffer> } | undefined> {
  if (listings[0] && !listings[0].encoding) return { chunk: listings[0], bytes }
  const zipped = await promisify(gzip)(bytes, { level: constants.Z_BEST_COMPRESSION })
  const chunk = listings.find((listing) => !listing.encoding || wireBytes(listing) >= zipped.length)
  if (!chunk?.encoding) return chunk && { chunk, bytes }
  return { chunk, bytes: withComment(zipped, wireBytes(chunk) - zipped.length) }
}

/** @param length of the comment with the zero byte that ends it. */
function withComment(zipped: Buffer, length: number): Uint8Array<ArrayBuffer> {
  if (length === 0) return new Uint8Array(zipped)
  const comment = Buffer.alloc(length, ' ')
  comment[length - 1] = 0
  const [header, rest] = [zipped.subarray(0, HEADER_BYTES), zipped.subarray(HEADER_BYTES)]
  header[FLAGS_AT] = COMMENTED
  return new Uint8Array(Buffer.concat([header, comment, rest]))
}

/** Bytes that are stored for a chunk, and that a device fetches. */
export function wireBytes({ size, encodedSize }: Chunk): number {
  return encodedSize ?? size
}

/**
 * What stored bytes are, if they are the chunk of that name at all: as they are, or gzipped. Inflation stops at
 * `size`, whatever the bytes promise.
 *
 * @returns `undefined` for any other bytes.
 */
export async function recogniseChunk(
  stored: Uint8Array<ArrayBuffer>,
  { sha256: name, size }: Pick<Chunk, 'sha256' | 'size'>,
): Promise<{ readonly encoding: 'gzip' | undefined; readonly decoded: Uint8Array<ArrayBuffer> } | undefined> {
  if (stored.length === size && (await sha256(stored)) === name) {
    return { encoding: undefined, decoded: stored }
  }
  const decoded = await inflate(stored, size)
  if (decoded?.length !== size || (await sha256(decoded)) !== name) return undefined
  return { encoding: 'gzip', decoded }
}

/** Whether stored bytes are the chunk of that name, as they are or gzipped, when only a limit of its size is known. */
export async function holdsChunk(
  stored: Uint8Array<ArrayBuffer>,
  name: string | undefined,
  maxSize: number,
): Promise<boolean> {
  if ((await sha256(stored)) === name) return true
  const decoded = await inflate(stored, maxSize)
  return decoded !== undefined && (await sha256(decoded)) === name
}

/**
 * The bytes of a chunk from what a repository holds for it, refused wherever a device refuses them: also when they
 * hold the chunk in another packing than the descriptor lists.
 *
 * @throws AfieldError `chunk/size-mismatch`, `chunk/hash-mismatch` when they are not the chunk that was signed.
 */
export async function decodeChunk(
  stored: Uint8Array<ArrayBuffer>,
  chunk: Chunk,
): Promise<Uint8Array<ArrayBuffer>> {
  const known = await recogniseChunk(stored, chunk)
  const details = { file: chunk.sha256, bytes: stored.length }
  if (!known) {
    throw new AfieldError(
      'chunk/hash-mismatch',
      `The chunk ${chunk.sha256} is not what was signed (${stored.length} bytes are stored): it was cut, changed or ` +
        'inflates to more than was promised. Restore it from a copy of the repository.',
      { details },
    )
  }
  if (known.encoding === chunk.encoding && stored.length === wireBytes(chunk)) return known.decoded
  throw new AfieldError(
    'chunk/size-mismatch',
    `The chunk ${chunk.sha256} is packed otherwise than was signed: ${stored.length} bytes are stored instead of ` +
      `${wireBytes(chunk)}, and devices refuse that. Restore it from a copy of the repository; without one, delete ` +
      'it and publish its file as a new version.',
    { details },
  )
}

async function inflate(
  stored: Uint8Array<ArrayBuffer>,
  size: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (stored[0] !== 0x1f || stored[1] !== 0x8b) return undefined
  try {
    return new Uint8Array(await promisify(gunzip)(stored, { maxOutputLength: Math.max(1, size) }))
  } catch (error) {
    // Cut, changed, or larger than promised: in no case is it the chunk.
    if (error instanceof Error && 'code' in error) return undefined
    throw error
  }
}
