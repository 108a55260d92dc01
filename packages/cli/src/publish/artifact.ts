import { join } from 'node:path'
import type { ArtifactFile } from '@afield/protocol'
import { CliError } from '../errors.js'
import type { RepositoryFiles } from '../repository/files/files.js'
import { initializerSpans, type Span } from './chunks/boundaries.js'
import { cutFile } from './chunks/cut.js'
import type { ListedChunks } from '../repository/read/listed-chunks.js'
import { prepareChunks, type PreparedChunk } from './chunks/store.js'
import type { FoundConfig } from './config.js'
import type { ExternalFile } from './external-data.js'
import { readInput } from './read-input.js'

/** A file of an artifact with its bytes. */
export type SourceFile = {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Where its tensors lie. */
  readonly tensors: readonly Span[]
} & ({ readonly role: 'model' } | { readonly role: 'external-data' | 'asset'; readonly path: string })

/** A file as the descriptor lists it, and its chunks. */
export interface PreparedFile {
  readonly file: ArtifactFile
  readonly chunks: readonly PreparedChunk[]
}

/** All files of a version: the model, its external data, its assets. */
export async function sourceFiles(
  model: Uint8Array<ArrayBuffer>,
  externalData: readonly ExternalFile[],
  found: FoundConfig,
): Promise<readonly SourceFile[]> {
  const assets = await readAssets(found)
  const twice = assets.find(({ path }) => externalData.some((file) => file.path === path))
  if (twice) {
    throw new CliError('config/invalid', `assets: ${twice.path} holds weights of the model already.`)
  }
  return [
    { role: 'model', bytes: model, tensors: initializerSpans(model) },
    ...externalData.map((file) => ({ role: 'external-data' as const, ...file })),
    ...assets.map(({ path, bytes }) => ({ role: 'asset' as const, path, bytes, tensors: [] })),
  ]
}

/**
 * Cuts and names the chunks of all files; writes nothing.
 *
 * @throws CliError `repository/damaged`.
 */
export async function prepareFiles(
  files: RepositoryFiles,
  sources: readonly SourceFile[],
  listed: ListedChunks,
  onBytes: (done: number, total: number) => void,
  signal?: AbortSignal,
): Promise<readonly PreparedFile[]> {
  const total = sources.reduce((sum, { bytes }) => sum + bytes.length, 0)
  let done = 0
  const prepared: PreparedFile[] = []
  for (const source of sources) {
    const spans = cutFile(source.bytes, source.tensors)
    const onChunk = (size: number): void => onBytes((done += size), total)
    const chunks = await prepareChunks(files, source.bytes, spans, listed, onChunk, signal)
    const contents = { size: source.bytes.length, chunks: chunks.map(({ chunk }) => chunk) }
    prepared.push({
      file:
        source.role === 'model'
          ? { role: 'model', ...contents }
          : { role: source.role, path: source.path, ...contents },
      chunks,
    })
  }
  return prepared
}

async function readAssets({ config, dir }: FoundConfig): Promise<readonly Omit<ExternalFile, 'tensors'>[]> {
  return Promise.all(
    (config.assets ?? []).map(async (path) => {
      const bytes = await readInput(join(dir, ...path.split('/')), 'asset')
      if (bytes.length === 0) throw new CliError('config/invalid', `assets: ${path} is empty.`)
      return { path, bytes }
    }),
  )
}
