import {
  AfieldError,
  VersionSchema,
  latestVersion,
  type Descriptor,
  type ModelIndex,
  type ModelName,
  type Release,
  type Rollout,
  type Sha256,
  type Version,
} from '@afield/protocol'
import * as v from 'valibot'
import { downloadBytes, readDescriptor } from '../read/descriptor.js'
import { findRollout, modelName, modelNames, requireIndex } from '../read/documents.js'
import { openFiles, type RepositoryLocation } from '../files/location.js'
import { openRepository, type Repository } from '../read/open.js'
import { describeServing } from '../read/serving.js'

export interface ModelSummary {
  readonly name: ModelName
  readonly versions: number
  /** The newest release that may run. */
  readonly newest: Version | undefined
  /** What devices run, in a sentence. */
  readonly serves: string
  /** Bytes of the newest release as devices fetch it; `undefined` where there is none. */
  readonly bytes: number | undefined
  /** When it changed last: ISO 8601, UTC. */
  readonly changed: string
}

export interface Catalogue {
  readonly repositoryVersion: number
  /** When the timestamp expires unless somebody writes again. */
  readonly expires: string
  readonly models: readonly ModelSummary[]
}

/** Every model of a repository. Needs no key. */
export async function listModels(location: Pick<RepositoryLocation, 'repo' | 'files'>): Promise<Catalogue> {
  const repository = await openRepository(openFiles(location))
  const models: ModelSummary[] = []
  for (const name of await modelNames(repository)) models.push(await summarise(repository, name))
  return {
    repositoryVersion: repository.snapshot.version,
    expires: repository.timestamp.expires,
    models,
  }
}

async function summarise(repository: Repository, name: ModelName): Promise<ModelSummary> {
  const index = await requireIndex(repository, name)
  const rollout = (await findRollout(repository, name))?.document
  const newest = latestVersion(index)
  const release = newest && index.versions[newest]
  const changes = [index.change.at, rollout?.change.at ?? index.change.at]
  return {
    name,
    versions: Object.keys(index.versions).length,
    newest,
    serves: describeServing(index, rollout),
    bytes: newest && release && downloadBytes(await readDescriptor(repository.files, name, newest, release)),
    changed: changes.reduce((a, b) => (Date.parse(a) > Date.parse(b) ? a : b)),
  }
}

export interface Shown {
  readonly model: ModelName
  readonly version: Version
  readonly descriptor: Descriptor
  readonly sha256: Sha256
  readonly release: Release
  /** Bytes that a device fetches for it. */
  readonly bytes: number
  readonly index: ModelIndex
  readonly rollout: Rollout | undefined
}

/**
 * The descriptor of a version, verified; of the newest release where none is named.
 *
 * @param reference such as `learner-risk` or `learner-risk@1.0.0`.
 * @throws AfieldError `model/not-found`.
 */
export async function showVersion(
  location: Pick<RepositoryLocation, 'repo' | 'files'>,
  reference: string,
): Promise<Shown> {
  const at = reference.indexOf('@')
  const model = modelName(at < 0 ? reference : reference.slice(0, at))
  const repository = await openRepository(openFiles(location))
  const index = await requireIndex(repository, model)
  const version = at < 0 ? latestVersion(index) : versionIn(reference.slice(at + 1))
  const release = version && index.versions[version]
  if (!version || !release) {
    throw new AfieldError(
      'model/not-found',
      `${model} has no version "${at < 0 ? 'that may run' : reference.slice(at + 1)}". ` +
        `It has: ${Object.keys(index.versions).join(', ') || 'none'}.`,
    )
  }
  const descriptor = await readDescriptor(repository.files, model, version, release)
  return {
    model,
    version,
    descriptor,
    sha256: release.descriptor.sha256,
    release,
    bytes: downloadBytes(descriptor),
    index,
    rollout: (await findRollout(repository, model))?.document,
  }
}

function versionIn(text: string): Version | undefined {
  const result = v.safeParse(VersionSchema, text)
  return result.success ? result.output : undefined
}
