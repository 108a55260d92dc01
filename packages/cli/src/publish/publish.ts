import { basename } from 'node:path'
import {
  VersionSchema,
  latestVersion,
  sha256,
  type ModelName,
  type Sha256,
  type Version,
} from '@afield/protocol'
import * as v from 'valibot'
import { CliError } from '../errors.js'
import { readIfThere } from '../read-file.js'
import { changeOf, type Attribution } from '../repository/change.js'
import { commit, type Committed } from '../repository/commit.js'
import { findIndex, findRollout } from '../repository/documents.js'
import { keysFolder, readKey } from '../repository/keys.js'
import { chunkPath, descriptorPath, indexTarget } from '../repository/layout.js'
import { openFiles, type RepositoryLocation } from '../repository/location.js'
import { settle } from '../repository/settle.js'
import { checkContract } from './check-contract.js'
import { cutChunks } from './chunks.js'
import { readConfig } from './config.js'
import { describeVersion } from './descriptor.js'
import { readGoldenVectors } from './golden.js'
import { readGraph } from './graph.js'
import { readMetrics } from './metrics.js'
import { extendIndex, refuseExisting } from './model-index.js'
import { replayGoldenVectors } from './replay.js'

export interface PublishOptions extends RepositoryLocation, Attribution {
  /** The ONNX file. */
  readonly model: string
  /** SemVer; a version is published once and never changes. */
  readonly version: string
  /** The config; `afield.config.json` beside the model, above it, or in the current folder when left out. */
  readonly config?: string | undefined
  /** The golden vectors; `<model>.golden.json` when left out. */
  readonly golden?: string | undefined
  /** Evaluation and lineage; `<model>.metrics.json`, if there is one, when left out. */
  readonly metrics?: string | undefined
  /** Publishes without running the golden vectors, and records that. */
  readonly skipReplay?: boolean | undefined
}

export interface Published extends Committed {
  readonly name: ModelName
  readonly version: Version
  readonly descriptor: Sha256
  /** Bytes of the model file. */
  readonly size: number
  readonly chunks: number
  readonly vectors: number
  readonly replay: 'passed' | 'skipped'
  /** The newest release that the model had before; `undefined` for its first. */
  readonly previous: Version | undefined
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
export async function publish(options: PublishOptions): Promise<Published> {
  const now = options.now ?? new Date()
  const version = parseVersion(options.version)
  const stem = options.model.replace(/\.onnx$/, '')

  const config = await readConfig(options.model, options.config)
  const model = await readModel(options.model)
  const graph = readGraph(model, basename(options.model))
  checkContract(config.contract, graph)
  const vectors = await readGoldenVectors(options.golden ?? `${stem}.golden.json`, config.contract)
  const metrics = await readMetrics(options.metrics ?? `${stem}.metrics.json`, options.metrics !== undefined)

  const folder = keysFolder(options.repo, options.keys)
  const signers = { release: await readKey(folder, 'release'), ops: await readKey(folder, 'ops') }
  const files = openFiles(options)
  const repository = await settle(files, signers.ops, now)
  const predecessor = await findIndex(repository, config.name)
  refuseExisting(predecessor?.document, version)

  if (!options.skipReplay) await replayGoldenVectors(model, config.contract, vectors, config.tolerance)
  const replay = options.skipReplay ? 'skipped' : 'passed'

  const cuts = await cutChunks(model)
  const descriptor = describeVersion({
    config,
    version,
    created: now.toISOString(),
    graph,
    metrics,
    vectors,
    replay,
    size: model.length,
    chunks: cuts.map(({ chunk }) => chunk),
  })
  const release = { sha256: await sha256(descriptor), size: descriptor.length }
  const change = await changeOf(options, `publish ${version}`, now)
  const index = extendIndex(config.name, predecessor, version, release, change)

  for (const { chunk, bytes } of cuts) await files.put(chunkPath(chunk.sha256), bytes)
  await files.put(descriptorPath(release.sha256), descriptor)
  const committed = await commit(repository, { target: indexTarget(config.name), bytes: index }, signers, now)
  return {
    ...committed,
    name: config.name,
    version,
    descriptor: release.sha256,
    size: model.length,
    chunks: cuts.length,
    vectors: vectors.length,
    replay,
    previous: predecessor && latestVersion(predecessor.document),
    hasRollout: (await findRollout(repository, config.name)) !== undefined,
  }
}

function parseVersion(text: string): Version {
  const result = v.safeParse(VersionSchema, text)
  if (result.success) return result.output
  throw new CliError('usage', `"${text}" is not a version: ${result.issues[0].message}.`)
}

async function readModel(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await readIfThere(path)
  if (bytes) return bytes
  throw new CliError('file/missing', `There is no model at ${path}.`)
}
