import { mkdir, open, writeFile, type FileHandle } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import {
  AfieldError,
  jsonBytes,
  latestVersion,
  sha256,
  type ArtifactFile,
  type Descriptor,
  type ModelIndex,
  type ModelName,
  type Sha256,
  type Version,
} from '@afield/protocol'
import { namingDiskErrors } from '../disk.js'
import { CliError } from '../errors.js'
import { parseVersion } from '../publish/parse-version.js'
import { modelName } from '../repository/read/documents.js'
import { inParallel } from '../transfer/parallel.js'
import { fillFolder } from './output-folder.js'
import { readFirstRoot, readManifest } from './read-manifest.js'
import { fetchDescriptor, readChunk } from './read-version.js'
import type { RepositorySource } from './source.js'

/** Downloads at a time. */
const PARALLEL = 6

export interface FetchOptions {
  readonly source: RepositorySource
  readonly model: string
  /** The newest release when left out. */
  readonly version?: string | undefined
  /** A new or an empty folder. */
  readonly out: string
  /** Bytes of the root to trust; the repository's own first root when left out. */
  readonly root?: Uint8Array<ArrayBuffer> | undefined
  /** The time that expiry is judged at; `expired: 'allowed'` passes it over, for what was kept for years. */
  readonly now?: Date | undefined
  readonly expired?: 'refused' | 'allowed' | undefined
  readonly onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

export interface Fetched {
  readonly name: ModelName
  readonly version: Version
  readonly out: string
  /** Paths below `out`. */
  readonly files: readonly string[]
  readonly bytes: number
  readonly repositoryVersion: number
  /** The hash of the root that everything was verified from, and whether the caller gave it. */
  readonly root: { readonly sha256: Sha256; readonly trust: 'given' | 'first-use' }
  readonly revoked: boolean
}

/**
 * Downloads a version and verifies every byte as a device would: the model as `NAME-VERSION.onnx` with its external
 * data and assets beside it, each variant in a folder such as `1-fp16-webgpu`, its descriptor, its golden vectors, and
 * the contract within. What it writes can be published again.
 *
 * @throws AfieldError `manifest/…`, `model/not-found`, `chunk/…`; CliError `version/unknown`, `out/not-empty`.
 * @example
 * await fetchVersion({ source: openSource('https://models.example/live'), model: 'learner-risk', out: 'fetched' })
 */
export function fetchVersion(options: FetchOptions): Promise<Fetched> {
  return namingDiskErrors(() => fillFolder(options.out, (dir) => fetchInto(dir, options)))
}

async function fetchInto(dir: string, options: FetchOptions): Promise<Fetched> {
  const { source, signal } = options
  const model = modelName(options.model)
  const named = options.version === undefined ? undefined : parseVersion(options.version)
  const root = options.root ?? (await readFirstRoot(source, signal))
  const reference = options.expired === 'allowed' ? 'at-rest' : (options.now ?? new Date()).getTime()
  const { index, repositoryVersion } = await readManifest(source, root, model, reference, signal)
  const version = named ?? newest(index)
  const descriptor = await fetchDescriptor(source, index, version, signal)

  const stem = `${model}-${version}`
  const parts = filesOf(descriptor, stem)
  const documents = {
    [`${stem}.descriptor.json`]: descriptor,
    [`${stem}.golden.json`]: descriptor.selfTest.vectors,
  }
  refuseSameNames([...parts.map(({ path }) => path), ...Object.keys(documents)])

  const bytes = parts.reduce((sum, { file }) => sum + file.size, 0)
  let done = 0
  for (const { path, file } of parts) {
    await writeChunks(join(dir, path), file, source, signal, (size) => {
      done += size
      options.onProgress?.(done, bytes)
    })
  }
  for (const [path, value] of Object.entries(documents)) await writeFile(join(dir, path), jsonBytes(value))
  return {
    name: model,
    version,
    out: resolve(options.out),
    files: [...parts.map(({ path }) => path), ...Object.keys(documents)],
    bytes,
    repositoryVersion,
    root: { sha256: await sha256(root), trust: options.root ? 'given' : 'first-use' },
    revoked: index.versions[version]?.revoked !== undefined,
  }
}

function newest(index: ModelIndex): Version {
  const version = latestVersion(index)
  if (version) return version
  throw new CliError(
    'version/unknown',
    `${index.name} has no release that may run. Name one: ${Object.keys(index.versions).join(', ')}.`,
  )
}

/** Where each file goes: the model file, which is listed last, at the top, and each variant in a folder of its own. */
function filesOf(
  { artifacts }: Descriptor,
  stem: string,
): readonly { readonly path: string; readonly file: ArtifactFile }[] {
  return artifacts.flatMap(({ variant, backends, files }, i) => {
    const folder = i === artifacts.length - 1 ? '' : `${i + 1}-${variant}-${backends.join('-')}/`
    return files.map((file) => ({
      path: folder + (file.role === 'model' ? `${stem}.onnx` : file.path),
      file,
    }))
  })
}

function refuseSameNames(paths: readonly string[]): void {
  const twice = paths.find((path, i) => paths.findIndex((other) => same(other, path)) !== i)
  if (twice === undefined) return
  throw new AfieldError('descriptor/invalid', `The descriptor names two files ${twice}; nothing was written.`)
}

/** As file systems that pass over case see it. */
function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}

/** Writes a file chunk by chunk, several at a time, each at its place. */
async function writeChunks(
  path: string,
  { chunks }: ArtifactFile,
  source: RepositorySource,
  signal: AbortSignal | undefined,
  onBytes: (size: number) => void,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const file = await open(path, 'wx')
  try {
    let start = 0
    const placed = chunks.map((chunk) => {
      const at = start
      start += chunk.size
      return { chunk, at }
    })
    await inParallel(placed, PARALLEL, async ({ chunk, at }) => {
      signal?.throwIfAborted()
      const bytes = await readChunk(source, chunk, signal)
      await writeAll(file, bytes, at)
      onBytes(bytes.length)
    })
  } finally {
    await file.close()
  }
}

/** One write may take a part only, on a disk that is nearly full for instance. */
async function writeAll(file: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    done += (await file.write(bytes, done, bytes.length - done, at + done)).bytesWritten
  }
}
