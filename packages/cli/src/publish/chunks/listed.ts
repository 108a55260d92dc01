import { AfieldError, parseDescriptor, type Chunk, type Sha256, type Version } from '@afield/protocol'
import { modelNames, requireIndex } from '../../repository/read/documents.js'
import { descriptorPath } from '../../repository/files/layout.js'
import type { Repository } from '../../repository/read/open.js'

/** A chunk as the descriptor of a version lists it. */
export interface ListedChunk {
  readonly chunk: Chunk
  /** Such as `learner-risk@1.0.0`. */
  readonly version: string
}

/** What published versions say of a chunk. */
export type ListedChunks = (name: Sha256) => Promise<readonly ListedChunk[]>

/** Looks chunks up in all descriptors of a repository, which are read when the first chunk is asked for. */
export function listedChunks(repository: Repository): ListedChunks {
  let reading: Promise<ReadonlyMap<Sha256, readonly ListedChunk[]>> | undefined
  return async (name) => (await (reading ??= readAll(repository))).get(name) ?? []
}

async function readAll(repository: Repository): Promise<ReadonlyMap<Sha256, readonly ListedChunk[]>> {
  const all = new Map<Sha256, ListedChunk[]>()
  for (const model of await modelNames(repository)) {
    const { versions } = await requireIndex(repository, model)
    for (const [version, { descriptor }] of Object.entries(versions) as [
      Version,
      (typeof versions)[Version],
    ][]) {
      for (const chunk of await readChunks(repository, descriptor.sha256, { name: model, version })) {
        const listed = all.get(chunk.sha256) ?? []
        listed.push({ chunk, version: `${model}@${version}` })
        all.set(chunk.sha256, listed)
      }
    }
  }
  return all
}

async function readChunks(
  { files }: Repository,
  name: Sha256,
  of: Parameters<typeof parseDescriptor>[1],
): Promise<readonly Chunk[]> {
  const bytes = await files.read(descriptorPath(name))
  if (!bytes) return []
  try {
    return parseDescriptor(bytes, of).artifacts.flatMap(({ files: listed }) =>
      listed.flatMap(({ chunks }) => chunks),
    )
  } catch (error) {
    // A version whose descriptor is damaged is broken already; verify tells of it.
    if (error instanceof AfieldError) return []
    throw error
  }
}
