import { sha256, type Chunk } from '@afield/protocol'
import { CliError } from '../../errors.js'
import type { RepositoryFiles } from '../../repository/files/files.js'
import { chunkPath } from '../../repository/files/layout.js'
import type { Span } from './boundaries.js'
import { encodeAsListed, encodeChunk, recogniseChunk } from '../../repository/files/chunk-encoding.js'
import type { ListedChunk, ListedChunks } from '../../repository/read/listed-chunks.js'

/** A chunk that a descriptor will list, and what is to be written for it. */
export interface PreparedChunk {
  readonly chunk: Chunk
  /** Its bytes as they are stored; `undefined` when the repository has it already. */
  readonly write: Uint8Array<ArrayBuffer> | undefined
}

/**
 * Names and encodes the chunks of a file. One that the repository has keeps the encoding that it has there, since
 * older descriptors say that one; one that it lost is made again as these list it.
 *
 * @param listed what older descriptors say of chunks.
 * @throws CliError `repository/damaged` when the repository holds other bytes under a chunk's name, or lost a chunk
 *   that cannot be made again.
 */
export async function prepareChunks(
  files: RepositoryFiles,
  bytes: Uint8Array<ArrayBuffer>,
  spans: readonly Span[],
  listed: ListedChunks,
  onChunk: (size: number) => void,
  signal?: AbortSignal,
): Promise<readonly PreparedChunk[]> {
  const prepared: PreparedChunk[] = []
  for (const { start, end } of spans) {
    signal?.throwIfAborted()
    prepared.push(await prepareChunk(files, bytes.subarray(start, end), listed))
    onChunk(end - start)
  }
  return prepared
}

async function prepareChunk(
  files: RepositoryFiles,
  bytes: Uint8Array<ArrayBuffer>,
  listed: ListedChunks,
): Promise<PreparedChunk> {
  const plain = { sha256: await sha256(bytes), size: bytes.length }
  const path = chunkPath(plain.sha256)
  const stored = await files.read(path)
  if (!stored) {
    const lost = await listed(plain.sha256)
    if (lost.length > 0) return restoreChunk(path, bytes, lost)
    const { encoding, bytes: write } = await encodeChunk(bytes)
    return { chunk: encoding ? { ...plain, encoding, encodedSize: write.length } : plain, write }
  }
  const known = await recogniseChunk(stored, plain)
  if (!known) {
    throw new CliError(
      'repository/damaged',
      `${path} is not the chunk that it is named for: it was cut or changed. Versions that share it cannot be ` +
        'downloaded. Restore it from a copy of the repository; without one, delete it and publish again.',
    )
  }
  const { encoding } = known
  return {
    chunk: encoding ? { ...plain, encoding, encodedSize: stored.length } : plain,
    write: undefined,
  }
}

/** Devices refuse a chunk of another length than its descriptor says, so one that was lost is made as it was. */
async function restoreChunk(
  path: string,
  bytes: Uint8Array<ArrayBuffer>,
  lost: readonly ListedChunk[],
): Promise<PreparedChunk> {
  const made = await encodeAsListed(
    bytes,
    lost.map(({ chunk }) => chunk),
  )
  if (made) return { chunk: made.chunk, write: made.bytes }
  const versions = [...new Set(lost.map(({ version }) => version))].join(', ')
  throw new CliError(
    'repository/damaged',
    `The repository lacks ${path}, and it cannot be packed again as ${versions} list it, so devices cannot download ` +
      'these. Restore it from a copy of the repository.',
  )
}
