import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { jsonBytes, latestVersion, runnableVersions, type ModelName, type Version } from '@afield/protocol'
import { namingDiskErrors } from '../disk.js'
import { CliError } from '../errors.js'
import { fillFolder } from '../fetch/output-folder.js'
import { readFirstRoot, readManifest, type ModelState } from '../fetch/read-manifest.js'
import { fetchDescriptor, readChunk } from '../fetch/read-version.js'
import { openSource, type RepositorySource } from '../fetch/source.js'
import { parseVersion } from '../publish/parse-version.js'
import { distinctChunksOf } from '../repository/read/descriptor.js'
import { modelName } from '../repository/read/documents.js'
import { CONTENT_FOLDERS } from '../repository/files/layout.js'

export interface BundleOptions {
  /** The repository's folder. */
  readonly repo: string
  readonly model: string
  /** What devices run when left out: the rollout's stable version, else the newest release. */
  readonly version?: string | undefined
  /** A new or an empty folder, or an earlier bundle, which is replaced. */
  readonly out: string
  readonly now?: Date | undefined
  readonly onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

export interface Bundled {
  readonly name: ModelName
  readonly version: Version
  readonly out: string
  readonly files: number
  /** Bytes that the app ships. */
  readonly bytes: number
  readonly repositoryVersion: number
  /** When the metadata in it expires, ISO 8601: later the seed still serves, and devices call it stale. */
  readonly expires: string
}

/** Says that a folder is a bundle, which may be made anew, and not the repository itself. */
const MARK = 'bundle.json'
const TOP = new Set([MARK, 'metadata', ...CONTENT_FOLDERS])

/**
 * Makes a seed to ship with an app: the part of a repository that a device which uses one model reads, in the same
 * layout. A client that is pointed at it sees a valid repository with this model, and moves on to the real one, whose
 * metadata is the same and newer. Of several files, those that run on WASM are in it: every device can answer with one
 * of them, and fetches what is for its GPU alone when it has a use for it.
 *
 * @throws CliError `bundle/nothing-to-ship`, `version/unknown`, `out/not-empty`; AfieldError `model/not-found`,
 *   `manifest/expired` when the repository must be refreshed first.
 * @example
 * await bundle({ repo: 'afield-repo', model: 'learner-risk', out: 'app/public/models' })
 */
export function bundle(options: BundleOptions): Promise<Bundled> {
  const isBundle = (entries: readonly string[]): boolean =>
    entries.includes(MARK) && entries.every((entry) => TOP.has(entry))
  return namingDiskErrors(() => fillFolder(options.out, (dir) => bundleInto(dir, options), isBundle))
}

async function bundleInto(dir: string, options: BundleOptions): Promise<Bundled> {
  const { signal } = options
  const model = modelName(options.model)
  const named = options.version === undefined ? undefined : parseVersion(options.version)
  const read = new Map<string, number>()
  const source = copying(openSource(options.repo), dir, read)

  const root = await readFirstRoot(source, signal)
  const now = (options.now ?? new Date()).getTime()
  const state = await readManifest(source, root, model, now, signal)
  const version = named ?? served(state)
  refuseUnrunnable(state, version)
  const { artifacts } = await fetchDescriptor(source, state.index, version, signal)
  const chunks = distinctChunksOf({
    artifacts: artifacts.filter(({ backends }) => backends.includes('wasm')),
  })
  const total = chunks.reduce((sum, { size }) => sum + size, 0)
  let done = 0
  for (const chunk of chunks) {
    signal?.throwIfAborted()
    await readChunk(source, chunk, signal)
    options.onProgress?.((done += chunk.size), total)
  }
  const { repositoryVersion } = state
  const expires = new Date(state.expiresAt).toISOString()
  const mark = jsonBytes({ name: model, version, repositoryVersion, expires })
  await writeFile(join(dir, MARK), mark)
  read.set(MARK, mark.length)
  return {
    name: model,
    version,
    out: resolve(options.out),
    files: read.size,
    bytes: [...read.values()].reduce((sum, size) => sum + size, 0),
    repositoryVersion,
    expires,
  }
}

/** A source that keeps what is read from it: the very files that a device asks for. */
function copying(source: RepositorySource, dir: string, sizes: Map<string, number>): RepositorySource {
  return {
    name: source.name,
    read: async (path, maxBytes, signal) => {
      const bytes = await source.read(path, maxBytes, signal)
      if (!bytes) return undefined
      const file = join(dir, ...path.split('/'))
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, bytes)
      sizes.set(path, bytes.length)
      return bytes
    },
  }
}

function served({ index, rollout }: ModelState): Version {
  const version = rollout?.stable ?? latestVersion(index)
  if (version) return version
  throw nothing(`${index.name} has no release that may run`)
}

function refuseUnrunnable({ index, rollout }: ModelState, version: Version): void {
  if (rollout?.killed === 'model') throw nothing(`${index.name} is killed`)
  if (index.versions[version] && !runnableVersions(index).includes(version)) {
    throw nothing(`${index.name}@${version} is revoked or below the lowest version that may run`)
  }
}

function nothing(why: string): CliError {
  return new CliError(
    'bundle/nothing-to-ship',
    `${why}, so devices would refuse the seed. Name another --version.`,
  )
}
