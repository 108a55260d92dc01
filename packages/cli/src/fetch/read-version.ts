import {
  AfieldError,
  MAX_DESCRIPTOR_BYTES,
  type Chunk,
  type Descriptor,
  type ModelIndex,
  type Version,
} from '@afield/protocol'
import { CliError } from '../errors.js'
import { decodeChunk, wireBytes } from '../repository/files/chunk-encoding.js'
import { chunkPath } from '../repository/files/layout.js'
import { readDescriptor } from '../repository/read/descriptor.js'
import type { RepositorySource } from './source.js'

/**
 * Reads the descriptor of a version that an index lists.
 *
 * @throws CliError `version/unknown` listing what there is; AfieldError `chunk/unavailable`, `descriptor/invalid`.
 */
export async function fetchDescriptor(
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
  const maxBytes = Math.min(release.descriptor.size, MAX_DESCRIPTOR_BYTES)
  const read = async (path: string): Promise<Uint8Array<ArrayBuffer>> => {
    const bytes = await source.read(path, maxBytes, signal)
    if (bytes) return bytes
    throw absent(source, path)
  }
  return readDescriptor({ read }, index.name, version, release)
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

function absent({ name }: RepositorySource, path: string): AfieldError {
  return new AfieldError('chunk/unavailable', `${name} has no ${path}. Did its last deploy finish?`, {
    details: { file: path },
  })
}
