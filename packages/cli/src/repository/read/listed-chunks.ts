import {
  AfieldError,
  type Chunk,
  type Descriptor,
  type ModelName,
  type Release,
  type Version,
} from '@afield/protocol'
import type { RepositoryFiles } from '../files/files.js'
import { chunksOf, readDescriptor } from './descriptor.js'
import { modelNames, requireIndex } from './documents.js'
import type { Repository } from './open.js'

/** A chunk as the descriptor of a version lists it. */
export interface ListedChunk {
  readonly chunk: Chunk
  /** Such as `learner-risk@1.0.0`. */
  readonly version: string
}

/** What published versions say of a chunk. */
export type ListedChunks = (sha256: string) => Promise<readonly ListedChunk[]>

/** Looks chunks up in all descriptors of a repository, which are read when the first chunk is asked for. */
export function listedChunks(repository: Repository): ListedChunks {
  let reading: Promise<ReadonlyMap<string, readonly ListedChunk[]>> | undefined
  return async (sha256) => (await (reading ??= readAll(repository))).get(sha256) ?? []
}

async function readAll(repository: Repository): Promise<ReadonlyMap<string, readonly ListedChunk[]>> {
  const all = new Map<string, ListedChunk[]>()
  for (const model of await modelNames(repository)) {
    const { versions } = await requireIndex(repository, model)
    for (const [version, release] of Object.entries(versions) as [Version, Release][]) {
      for (const chunk of await releaseChunks(repository.files, model, version, release)) {
        const listed = all.get(chunk.sha256) ?? []
        listed.push({ chunk, version: `${model}@${version}` })
        all.set(chunk.sha256, listed)
      }
    }
  }
  return all
}

/**
 * The chunks of a published version; none where its descriptor is lost or damaged, which verify tells of.
 *
 * @param of which of them.
 */
export async function releaseChunks(
  files: RepositoryFiles,
  name: ModelName,
  version: Version,
  release: Release,
  of: (descriptor: Descriptor) => readonly Chunk[] = chunksOf,
): Promise<readonly Chunk[]> {
  try {
    return of(await readDescriptor(files, name, version, release))
  } catch (error) {
    if (error instanceof AfieldError) return []
    throw error
  }
}
