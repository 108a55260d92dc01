import {
  AfieldError,
  ModelNameSchema,
  parseModelIndex,
  parseRollout,
  type ModelIndex,
  type ModelName,
  type Rollout,
  type Sha256,
} from '@afield/protocol'
import * as v from 'valibot'
import { CliError } from '../../errors.js'
import { indexTarget, rolloutTarget } from '../files/layout.js'
import { listTargets, readTarget, type DocumentKind, type Repository } from './open.js'

/** A parsed document and the hash of its bytes, which the next one names as its predecessor. */
export interface Signed<T> {
  readonly document: T
  readonly sha256: Sha256
}

/** The index of a model; `undefined` before its first version. */
export async function findIndex(
  repository: Repository,
  name: ModelName,
): Promise<Signed<ModelIndex> | undefined> {
  const target = await readTarget(repository, indexTarget(name))
  return target && { document: parseModelIndex(target.bytes, name), sha256: target.sha256 }
}

/** The rollout of a model; `undefined` when it never had one. */
export async function findRollout(
  repository: Repository,
  name: ModelName,
): Promise<Signed<Rollout> | undefined> {
  const target = await readTarget(repository, rolloutTarget(name))
  return target && { document: parseRollout(target.bytes, name), sha256: target.sha256 }
}

/** @throws AfieldError `model/not-found`, listing the models there are. */
export async function requireIndex(repository: Repository, name: ModelName): Promise<ModelIndex> {
  return (await requireSignedIndex(repository, name)).document
}

/** @throws AfieldError `model/not-found`, listing the models there are. */
export async function requireSignedIndex(
  repository: Repository,
  name: ModelName,
): Promise<Signed<ModelIndex>> {
  const found = await findIndex(repository, name)
  if (found) return found
  const models = await modelNames(repository)
  const known = models.length > 0 ? `It has: ${shortList(models)}.` : 'It has none yet; publish one first.'
  throw new AfieldError('model/not-found', `The repository has no model "${name}". ${known}`)
}

/** Every model of the repository, by name. */
export async function modelNames(
  repository: Repository,
  kind: DocumentKind = 'models',
): Promise<readonly ModelName[]> {
  const paths = await listTargets(repository, kind)
  return paths.map((path) => modelName(path.slice(kind.length + 1, -'.json'.length)))
}

/** @throws CliError `usage` for what cannot be a model's name. */
export function modelName(text: string): ModelName {
  const result = v.safeParse(ModelNameSchema, text)
  if (result.success) return result.output
  throw new CliError('usage', `"${text}" is not a model's name: ${result.issues[0].message}.`)
}

const SHOWN = 20

function shortList(names: readonly string[]): string {
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : ''
  return `${names.slice(0, SHOWN).join(', ')}${more}`
}
