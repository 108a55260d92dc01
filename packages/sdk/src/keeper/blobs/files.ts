import {
  AfieldError,
  type Artifact,
  type Backend,
  type Chunk,
  type Requirements,
  type Runnable,
  type Sha256,
} from '@afield/protocol'
import type { Gpu } from '../ports.js'

/** What models start on: every device has it. */
export const BACKEND = 'wasm'

/** What a device has that artifacts may require, as far as it tells. */
export interface Device {
  readonly memoryGiB?: number | undefined
  readonly gpu?: Gpu | undefined
}

type Described = Pick<Runnable, 'artifacts'>

/** A device that does not tell has this much memory, in GiB. */
const USUAL_GIB = 4

/**
 * The artifact that runs on a backend of a device: of those that do, the descriptor's first.
 *
 * @throws AfieldError `platform/unsupported` where the device lacks what each of them requires.
 */
export function artifactFor({ artifacts }: Described, backend: Backend, device: Device = {}): Artifact {
  const meant = artifacts.filter(({ backends }) => backends.includes(backend))
  const artifact = meant.find(({ requires }) => !requires || meets(device, requires))
  if (artifact) return artifact
  throw new AfieldError(
    meant.length > 0 ? 'platform/unsupported' : 'descriptor/invalid',
    meant.length > 0
      ? `This device lacks what the version requires for ${backend}: memory, or its GPU. Publish a smaller variant.`
      : `This version has no file for the backend "${backend}".`,
    { details: { backend } },
  )
}

function meets(
  { memoryGiB = USUAL_GIB, gpu }: Device,
  { memory = 0, features, limits }: Requirements,
): boolean {
  return (
    memory <= memoryGiB * 2 ** 30 &&
    (features ?? []).every((name) => gpu?.features.includes(name)) &&
    Object.entries(limits ?? {}).every(([name, least]) => (gpu?.limits[name] ?? 0) >= least)
  )
}

/** The chunks of artifacts, each once. */
export function distinctChunks({ artifacts }: Described): ReadonlyMap<Sha256, Chunk> {
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
