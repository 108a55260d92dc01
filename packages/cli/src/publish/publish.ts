import { join } from 'node:path'
import {
  latestVersion,
  sha256,
  type GoldenVector,
  type ModelName,
  type SelfTest,
  type Sha256,
  type Version,
} from '@afield/protocol'
import { changeOf, type Attribution } from '../repository/write/change.js'
import { commit, type Committed } from '../repository/write/commit.js'
import { findIndex, findRollout } from '../repository/read/documents.js'
import { keysFolder, readKey } from '../repository/keys/keys.js'
import { descriptorPath, indexTarget } from '../repository/files/layout.js'
import { openFiles, type RepositoryLocation } from '../repository/files/location.js'
import { settle } from '../repository/write/settle.js'
import { namingDiskErrors } from '../disk.js'
import { prepareFiles } from './artifact.js'
import { readArtifacts, runtimeOf } from './artifacts.js'
import { checkAssets } from './check-assets.js'
import { distinctChunksOf, downloadBytes, startingArtifact } from '../repository/read/descriptor.js'
import { listedChunks } from '../repository/read/listed-chunks.js'
import { distinctChunks, newBytes, writeChunks, type PublishProgress } from './chunks/write.js'
import { readConfig, type FoundConfig } from './config.js'
import { describeArtifacts, type PublishedArtifact } from './describe-artifacts.js'
import { describeVersion } from './descriptor.js'
import { findGoldenVectors, stemOf } from './golden-file.js'
import { codecOf } from './kinds.js'
import { lineageOf } from './lineage.js'
import { readMetrics } from './metrics.js'
import { extendIndex, refuseExisting } from './model-index.js'
import { parseVersion } from './parse-version.js'
import { profileReference } from './reference/reference.js'
import { replayArtifacts } from './replay-artifacts.js'

export interface PublishOptions extends RepositoryLocation, Attribution {
  /** The ONNX file. */
  readonly model: string
  /** SemVer; a version is published once and never changes. */
  readonly version: string
  /** The config, or its file; `afield.config.json` beside the model, above it, or in the current folder when left out. */
  readonly config?: string | FoundConfig | undefined
  /** The golden vectors; `<model>.golden.json`, else what `afield dev` recorded, when left out. */
  readonly golden?: string | readonly GoldenVector[] | undefined
  /** Evaluation and lineage; `<model>.metrics.json`, if there is one, when left out. */
  readonly metrics?: string | undefined
  /** A CSV of training data for the reference profile; the config's `reference` when left out. */
  readonly reference?: string | undefined
  /** Publishes without running the golden vectors, and records that. */
  readonly skipReplay?: boolean | undefined
  readonly onProgress?: ((progress: PublishProgress) => void) | undefined
  /** Stops before anything is signed; chunks that were written are used by the next try. */
  readonly signal?: AbortSignal | undefined
}

export interface Published extends Committed {
  readonly name: ModelName
  readonly version: Version
  readonly descriptor: Sha256
  /** In the order in which devices choose: variants, and the model file last. */
  readonly artifacts: readonly PublishedArtifact[]
  /** Bytes of all files: models, external data, assets. */
  readonly size: number
  readonly files: number
  readonly chunks: number
  /** Bytes that a device without any version fetches before it answers, on WASM. */
  readonly downloadBytes: number
  /** Bytes of these that a device with the newest release before does not have. */
  readonly updateBytes: number
  readonly vectors: number
  readonly replay: SelfTest['replay']
  /** The newest release that the model had before; `undefined` for its first. */
  readonly previous: Version | undefined
  readonly reference: { readonly rows: number; readonly fields: number } | undefined
  /** False: every device takes the newest release at its next check. */
  readonly hasRollout: boolean
}

/**
 * Publishes a version of a model: checks it, replays its golden vectors, and signs it into the repository.
 *
 * @throws CliError or AfieldError naming the first step that refused; nothing was signed then.
 * @example
 * await publish({ model: 'models/learner-risk-1.0.0.onnx', version: '1.0.0', repo: 'afield-repo' })
 */
export function publish(options: PublishOptions): Promise<Published> {
  return namingDiskErrors(() => publishSteps(options))
}

async function publishSteps(options: PublishOptions): Promise<Published> {
  const { signal } = options
  const now = options.now ?? new Date()
  const version = parseVersion(options.version)

  const given = options.config
  const found = typeof given === 'object' ? given : await readConfig(options.model, given)
  const { config, dir } = found
  const read = await readArtifacts(options.model, found)
  checkAssets(config.contract.input, config.assets ?? [])
  const sources = [...read.variants, read.main]
  const { vectors, recorded } = await findGoldenVectors(options.model, options.golden, config.contract)
  const metricsFile = options.metrics ?? `${stemOf(options.model)}.metrics.json`
  const metrics = await readMetrics(metricsFile, options.metrics !== undefined)

  const folder = keysFolder(options.repo, options.keys)
  const signers = { release: await readKey(folder, 'release'), ops: await readKey(folder, 'ops') }
  const files = openFiles(options)
  const repository = await settle(files, signers.ops, now)
  const predecessor = await findIndex(repository, config.name)
  refuseExisting(predecessor?.document, version)

  const { loadable } = read.main
  const codec = await codecOf(config.contract, read.main.sources)
  const replayed = await replayArtifacts(read, codec, vectors, config, options.skipReplay === true)
  const replay = options.skipReplay ? 'skipped' : recorded ? 'recorded' : 'passed'
  const csv = options.reference ?? (config.reference === undefined ? undefined : join(dir, config.reference))
  const reference =
    csv === undefined ? undefined : await profileReference(csv, config.contract, { loadable, codec }, signal)

  const onBytes = (done: number, total: number): void =>
    options.onProgress?.({ step: 'prepare', done, total })
  const allFiles = sources.flatMap((artifact) => artifact.sources)
  const prepared = await prepareFiles(files, allFiles, listedChunks(repository), onBytes, signal)
  const described = describeArtifacts(sources, prepared, replayed)
  const artifacts = described.map(({ artifact }) => artifact)
  const descriptor = describeVersion({
    config,
    version,
    created: now.toISOString(),
    runtime: runtimeOf(sources, config),
    metrics,
    lineage: await lineageOf(options.model, found, metrics, reference?.data),
    reference,
    vectors,
    replay,
    artifacts,
  })
  const release = { sha256: await sha256(descriptor), size: descriptor.length }
  const change = await changeOf(options, `publish ${version}`, now)
  const index = extendIndex(config.name, predecessor, version, release, change)
  const chunks = distinctChunks(prepared)
  const previous = predecessor && latestVersion(predecessor.document)
  const started = startingArtifact({ artifacts })
  const wanted = distinctChunksOf({ artifacts: started ? [started] : [] })
  const update = await newBytes(files, wanted, predecessor?.document, previous)

  await writeChunks(files, chunks, options.onProgress, signal)
  signal?.throwIfAborted()
  await files.put(descriptorPath(release.sha256), descriptor)
  const committed = await commit(repository, { target: indexTarget(config.name), bytes: index }, signers, now)
  return {
    ...committed,
    name: config.name,
    version,
    descriptor: release.sha256,
    artifacts: described.map(({ published }) => published),
    size: allFiles.reduce((sum, { bytes }) => sum + bytes.length, 0),
    files: allFiles.length,
    chunks: chunks.length,
    downloadBytes: downloadBytes({ artifacts }),
    updateBytes: update,
    vectors: vectors.length,
    replay,
    previous,
    reference: reference && { rows: reference.rows, fields: Object.keys(reference.fields).length },
    hasRollout: (await findRollout(repository, config.name)) !== undefined,
  }
}
