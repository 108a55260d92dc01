import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import {
  jsonBytes,
  sha256,
  type Artifact,
  type ArtifactFile,
  type Chunk,
  type Descriptor,
} from '@afield/protocol'
import { MODEL, type ExampleVersion, type TestRepository } from './repository.js'
import { replaceDocument } from './signed-changes.js'

type Bytes = Uint8Array<ArrayBuffer>

export function chunkPath(hash: string): string {
  return `chunks/${hash.slice(0, 2)}/${hash}`
}

/** Writes a file's chunks of so many bytes each into a repository, and describes them. */
export async function cut(
  dir: string,
  bytes: Bytes,
  chunkBytes: number,
  encode?: 'gzip',
): Promise<{ readonly size: number; readonly chunks: Chunk[] }> {
  const chunks: Chunk[] = []
  for (let start = 0; start < bytes.length; start += chunkBytes) {
    const part = bytes.slice(start, start + chunkBytes)
    const hash = await sha256(part)
    const wire = encode ? gzipSync(part) : part
    const path = join(dir, chunkPath(hash))
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, wire)
    const encoding = encode ? { encoding: encode, encodedSize: wire.length } : {}
    chunks.push({ sha256: hash, size: part.length, ...encoding })
  }
  return { size: bytes.length, chunks }
}

/** The files of a version as they are described, for a test to describe them otherwise. */
export type Reshape = (
  model: Bytes,
  descriptor: Descriptor,
) => Promise<readonly ArtifactFile[]> | readonly ArtifactFile[]

/**
 * Publishes other files for a version of the example than the CLI did, signed with the team's own keys.
 *
 * @example
 * await reshape(repository, '1.0.0', async (model) => [{ role: 'model', ...(await cut(repository.dir, model, 100)) }])
 */
export async function reshape(
  repository: Pick<TestRepository, 'dir'>,
  version: ExampleVersion,
  change: Reshape,
): Promise<Descriptor> {
  const file = new URL(`../../../examples/learner-risk/models/learner-risk-${version}.onnx`, import.meta.url)
  const model = new Uint8Array(await readFile(file))
  return redescribe(repository, version, async (before) => {
    const files = [...(await change(model, before))]
    return { ...before, artifacts: [{ variant: 'fp32', backends: ['wasm'], files } satisfies Artifact] }
  })
}

/**
 * Publishes another descriptor for a version of the example, which need not be a valid one, signed with the team's own
 * keys.
 */
export async function redescribe<D extends object>(
  { dir }: Pick<TestRepository, 'dir'>,
  version: ExampleVersion,
  change: (descriptor: Descriptor) => D | Promise<D>,
): Promise<D> {
  const index = await readIndex(dir)
  const hash = index.versions[version]?.descriptor.sha256 ?? ''
  const before = JSON.parse(await readFile(join(dir, 'descriptors', `${hash}.json`), 'utf8')) as Descriptor
  const written = await change(before)
  const bytes = jsonBytes(written)
  const renamed = { sha256: await sha256(bytes), size: bytes.length }
  await writeFile(join(dir, 'descriptors', `${renamed.sha256}.json`), bytes)
  await replaceDocument(dir, 'models', (document) => {
    const { versions, ...rest } = document as { versions: Record<string, object> }
    return { ...rest, versions: { ...versions, [version]: { ...versions[version], descriptor: renamed } } }
  })
  return written
}

interface Index {
  readonly versions: Readonly<Record<string, { readonly descriptor: { readonly sha256: string } }>>
}

async function readIndex(dir: string): Promise<Index> {
  let index: Index | undefined
  await replaceDocument(dir, 'models', (document) => {
    index = document as unknown as Index
    return document
  })
  if (!index) throw new Error(`The repository has no ${MODEL}.`)
  return index
}
