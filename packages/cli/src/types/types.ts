import { declareModels, runnableVersions, servedContracts, type DeclaredModel } from '@afield/protocol'
import { CliError } from '../errors.js'
import { readManifest } from '../fetch/read-manifest.js'
import { fetchDescriptor } from '../fetch/read-version.js'
import { openSource } from '../fetch/source.js'
import { readInput } from '../publish/read-input.js'
import { findRollout, modelName, modelNames, requireIndex } from '../repository/read/documents.js'
import { diskFiles } from '../repository/files/files.js'
import { openRepository } from '../repository/read/open.js'

export interface TypesOptions {
  /** A repository on this machine, trusted as it is. */
  readonly repo: string
  /** A deployed one, read instead; needs `root`. */
  readonly url?: string | undefined
  /** The root that the app ships. */
  readonly root?: string | undefined
  /** All models of `repo` when empty; a deployed repository is asked by name. */
  readonly models: readonly string[]
  readonly now?: Date | undefined
  readonly signal?: AbortSignal | undefined
}

export interface Types {
  readonly models: readonly { readonly name: string; readonly versions: readonly string[] }[]
  /** Models without a version that may run. */
  readonly skipped: readonly string[]
  /** The `.d.ts` file. */
  readonly text: string
}

/**
 * Declarations of what the models of a repository take and give, from the contracts of the versions that serve.
 *
 * @throws AfieldError `manifest/…`, `model/not-found`; CliError `usage`, `repository/missing`, `file/missing`.
 * @example
 * const { text } = await types({ repo: 'models-repo', models: [] })
 */
export async function types(options: TypesOptions): Promise<Types> {
  const { declared, skipped } =
    options.url === undefined ? await fromFolder(options) : await fromUrl(options, options.url)
  return {
    models: declared.map(({ name, served }) => ({ name, versions: served.map(({ version }) => version) })),
    skipped,
    text: declareModels(declared),
  }
}

interface Declared {
  readonly declared: readonly DeclaredModel[]
  readonly skipped: readonly string[]
}

async function fromFolder({ repo, models }: TypesOptions): Promise<Declared> {
  const repository = await openRepository(diskFiles(repo))
  const source = openSource(repo)
  const named = models.map(modelName)
  const declared: DeclaredModel[] = []
  const skipped: string[] = []
  for (const name of named.length > 0 ? named : await modelNames(repository)) {
    const index = await requireIndex(repository, name)
    if (named.length === 0 && runnableVersions(index).length === 0) {
      skipped.push(name)
      continue
    }
    const rollout = (await findRollout(repository, name))?.document
    const served = await servedContracts(index, rollout, (version) => fetchDescriptor(source, index, version))
    declared.push({ name, served })
  }
  if (declared.length === 0) {
    throw new CliError('version/unknown', `${repo} has no model that may run yet. Publish one first.`)
  }
  return { declared, skipped }
}

async function fromUrl({ root, models, now, signal }: TypesOptions, url: string): Promise<Declared> {
  if (root === undefined) {
    throw new CliError('usage', 'With --url, name the root that the app ships: --root 1.root.json')
  }
  if (models.length === 0) {
    throw new CliError('usage', `With --url, name the models: afield types --url ${url} … learner-risk`)
  }
  const source = openSource(url)
  const trusted = await readInput(root, 'root')
  const declared: DeclaredModel[] = []
  for (const name of models.map(modelName)) {
    const time = (now ?? new Date()).getTime()
    const { index, rollout } = await readManifest(source, trusted, name, time, signal)
    const served = await servedContracts(index, rollout, (version) =>
      fetchDescriptor(source, index, version, signal),
    )
    declared.push({ name, served })
  }
  return { declared, skipped: [] }
}
