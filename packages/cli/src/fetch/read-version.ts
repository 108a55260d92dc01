import {
  AfieldError,
  MAX_DESCRIPTOR_BYTES,
  checkBytes,
  parseDescriptor,
  type Chunk,
  type Descriptor,
  type ModelIndex,
  type Version,
} from '@afield/protocol'
import { CliError } from '../errors.js'
import { decodeChunk, wireBytes } from '../publish/chunks/encoding.js'
import { chunkPath, descriptorPath } from '../repository/files/layout.js'
import type { RepositorySource } from './source.js'

/**
 * Reads the descriptor of a version that an index lists.
 *
 * @throws CliError `version/unknown` listing what there is; AfieldError `chunk/unavailable`, `descriptor/invalid`.
 */
export async function readDescriptor(
  source: RepositorySource,
  index: ModelIndex,
  version: Version,
  signal?: AbortSignal,
): Promise<Descriptor> {
  const release = index.versions[version]
  if (!release) {
    throw new CliError(
      'version/unknown',
      `${index.name} has no version ${version}. It has: ${Object.keys(index.versions).join(', ')}.`,
    )
  }
  const { sha256, size } = release.descriptor
  const path = descriptorPath(sha256)
  const bytes = await source.read(path, Math.min(size, MAX_DESCRIPTOR_BYTES), signal)
  if (!bytes) throw absent(source, path)
  await checkBytes(path, bytes, { length: size, hashes: { sha256 } })
  return parseDescriptor(bytes, { name: index.name, version })
}

/**
 * Reads a chunk and unpacks it, never into more than its size. What devices refuse is refused.
 *
 * @throws AfieldError `chunk/unavailable`, `chunk/size-mismatch`, `chunk/hash-mismatch`.
 */
export async function readChunk(
  source: RepositorySource,
  chunk: Chunk,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const path = chunkPath(chunk.sha256)
  const stored = await source.read(path, Math.max(chunk.size, wireBytes(chunk)), signal)
  if (!stored) throw absent(source, path)
  return decodeChunk(stored, chunk)
}

/** All chunks of a version, each once. */
export function chunksOf({ artifacts }: Descriptor): readonly Chunk[] {
  const all = artifacts.flatMap(({ files }) => files.flatMap((file) => file.chunks))
  return [...new Map(all.map((chunk) => [chunk.sha256, chunk])).values()]
}

function absent({ name }: RepositorySource, path: string): AfieldError {
  return new AfieldError('chunk/unavailable', `${name} has no ${path}. Did its last deploy finish?`, {
    details: { file: path },
  })
}
