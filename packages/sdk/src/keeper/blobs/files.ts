import {
  AfieldError,
  type Artifact,
  type Backend,
  type Chunk,
  type Runnable,
  type Sha256,
} from '@afield/protocol'

/** What models start on: every device has it. */
export const BACKEND = 'wasm'

/** The artifact that runs on a backend. */
export function artifactFor(descriptor: Pick<Runnable, 'artifacts'>, backend: Backend): Artifact {
  const artifact = descriptor.artifacts.find(({ backends }) => backends.includes(backend))
  if (artifact) return artifact
  throw new AfieldError('descriptor/invalid', `This version has no file for the backend "${backend}".`)
}

/** The chunks of the artifact that runs on a backend, or of all artifacts, each once. */
export function distinctChunks(descriptor: Runnable, backend?: Backend): ReadonlyMap<Sha256, Chunk> {
  const artifacts = backend ? [artifactFor(descriptor, backend)] : descriptor.artifacts
  const chunks = artifacts.flatMap(({ files }) => files.flatMap((file) => file.chunks))
  return new Map(chunks.map((chunk) => [chunk.sha256, chunk]))
}

/** Bytes that a chunk takes on the wire; in the store it takes `size`. */
export function wireBytes({ size, encodedSize }: Chunk): number {
  return encodedSize ?? size
}

export function sumOf<T>(items: Iterable<T>, size: (item: T) => number): number {
  let sum = 0
  for (const item of items) sum += size(item)
  return sum
}
