import type { Chunk, Descriptor, ModelIndex, Version } from '@afield/protocol'
import { CliError } from '../../errors.js'
import type { RepositoryFiles } from '../../repository/files/files.js'
import { chunkPath } from '../../repository/files/layout.js'
import type { PreparedFile } from '../artifact.js'
import { wireBytes } from '../../repository/files/chunk-encoding.js'
import { startingArtifact } from '../../repository/read/descriptor.js'
import { releaseChunks } from '../../repository/read/listed-chunks.js'
import type { PreparedChunk } from './store.js'

/** How far a publish is: bytes cut and packed, then bytes written. */
export interface PublishProgress {
  readonly step: 'prepare' | 'write'
  readonly done: number
  readonly total: number
}

/** Each chunk once, though files may share some. */
export function distinctChunks(files: readonly PreparedFile[]): readonly PreparedChunk[] {
  return [...new Map(files.flatMap(({ chunks }) => chunks.map((c) => [c.chunk.sha256, c]))).values()]
}

/**
 * Writes the chunks that the repository lacks.
 *
 * @throws CliError `repository/conflict` for one that somebody else wrote meanwhile in another packing; theirs stays.
 */
export async function writeChunks(
  files: RepositoryFiles,
  chunks: readonly PreparedChunk[],
  onProgress: ((progress: PublishProgress) => void) | undefined,
  signal?: AbortSignal,
): Promise<void> {
  const total = chunks.reduce((sum, { write }) => sum + (write?.length ?? 0), 0)
  let done = 0
  for (const { chunk, write } of chunks) {
    if (!write) continue
    signal?.throwIfAborted()
    await createChunk(files, chunkPath(chunk.sha256), write)
    done += write.length
    onProgress?.({ step: 'write', done, total })
  }
}

async function createChunk(files: RepositoryFiles, path: string, bytes: Uint8Array): Promise<void> {
  if ((await files.create(path, bytes)) === 'created') return
  if ((await files.read(path))?.length === bytes.length) return
  throw new CliError(
    'repository/conflict',
    `Somebody else wrote ${path} at the same moment, packed otherwise. Theirs stays, and nothing was signed. Run the ` +
      'command again; it takes what is there.',
  )
}

/** Bytes that a device which started on the predecessor fetches of a version's chunks; all of them without one. */
export async function newBytes(
  files: RepositoryFiles,
  chunks: readonly Chunk[],
  index: ModelIndex | undefined,
  previous: Version | undefined,
): Promise<number> {
  const release = previous && index?.versions[previous]
  const listed =
    index && previous && release
      ? await releaseChunks(files, index.name, previous, release, startingChunks)
      : []
  const held = new Set(listed.map(({ sha256 }) => sha256))
  return chunks.filter(({ sha256 }) => !held.has(sha256)).reduce((sum, chunk) => sum + wireBytes(chunk), 0)
}

function startingChunks(descriptor: Descriptor): readonly Chunk[] {
  return startingArtifact(descriptor)?.files.flatMap(({ chunks }) => chunks) ?? []
}
