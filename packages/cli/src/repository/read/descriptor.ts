import {
  checkBytes,
  parseDescriptor,
  type Chunk,
  type Descriptor,
  type ModelName,
  type Release,
  type Version,
} from '@afield/protocol'
import { wireBytes } from '../files/chunk-encoding.js'
import type { RepositoryFiles } from '../files/files.js'
import { descriptorPath } from '../files/layout.js'
import { missingPart } from '../files/missing-part.js'

/**
 * Reads a version's descriptor, checked against the hash that the signed index gives it.
 *
 * @throws AfieldError `manifest/unavailable`, `manifest/hash-mismatch`, `descriptor/invalid`.
 */
export async function readDescriptor(
  files: Pick<RepositoryFiles, 'read'>,
  name: ModelName,
  version: Version,
  { descriptor: { sha256, size } }: Release,
): Promise<Descriptor> {
  const path = descriptorPath(sha256)
  const bytes = await files.read(path)
  if (!bytes) throw missingPart(path)
  await checkBytes(path, bytes, { length: size, hashes: { sha256 } })
  return parseDescriptor(bytes, { name, version })
}

/** Every chunk of a version as its files list it; files may share some. */
export function chunksOf({ artifacts }: Pick<Descriptor, 'artifacts'>): readonly Chunk[] {
  return artifacts.flatMap(({ files }) => files.flatMap(({ chunks }) => chunks))
}

/** The same, each once. */
export function distinctChunksOf(descriptor: Pick<Descriptor, 'artifacts'>): readonly Chunk[] {
  return [...new Map(chunksOf(descriptor).map((chunk) => [chunk.sha256, chunk])).values()]
}

/** Bytes that a device without any version fetches for this one: a device takes one artifact. */
export function downloadBytes({ artifacts }: Descriptor): number {
  const chunks = distinctChunksOf({ artifacts: artifacts.slice(0, 1) })
  return chunks.reduce((sum, chunk) => sum + wireBytes(chunk), 0)
}
