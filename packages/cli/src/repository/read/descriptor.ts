import {
  checkBytes,
  parseDescriptor,
  type Artifact,
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

/** What a device with nothing but WASM runs, and the others start on. */
export function startingArtifact({ artifacts }: Pick<Descriptor, 'artifacts'>): Artifact | undefined {
  const runnable = artifacts.filter(({ backends }) => backends.includes('wasm'))
  return runnable.find(({ requires }) => requires?.memory === undefined) ?? runnable[0] ?? artifacts[0]
}

/** Bytes that a device without any version fetches before it can answer. */
export function downloadBytes(descriptor: Pick<Descriptor, 'artifacts'>): number {
  return artifactBytes(startingArtifact(descriptor))
}

/** Bytes that an artifact is over the wire. */
export function artifactBytes(artifact: Artifact | undefined): number {
  const chunks = distinctChunksOf({ artifacts: artifact ? [artifact] : [] })
  return chunks.reduce((sum, chunk) => sum + wireBytes(chunk), 0)
}
