import {
  checkBytes,
  checkRolloutChange,
  isAsPromised,
  parseModelIndex,
  parseRollout,
  type AnyTargetFile,
  type ModelIndex,
  type Rollout,
} from '@afield/protocol'
import type { Folder } from '../folder.js'
import { LIMITS } from './limits.js'
import { notStored, type StoredState } from './stored.js'
import type { Updater } from './updater.js'

type Bytes = Uint8Array<ArrayBuffer>

/** What the repository says about one model, verified. */
export interface ModelDocuments {
  readonly index: ModelIndex
  readonly rollout: Rollout | undefined
}

/** A document, parsed and as it came. */
export interface ReadDocument<T> {
  readonly document: T
  readonly bytes: StoredState['documents']
}

/** Gives the bytes of a target, verified. */
export type ReadTarget = (path: string, target: AnyTargetFile) => Promise<Bytes>

/**
 * Finds and reads a model's index.
 *
 * @returns `undefined` when the repository has no such model.
 * @throws AfieldError `manifest/*`.
 */
export async function readIndex(
  model: string,
  updater: Updater,
  readTarget: ReadTarget,
): Promise<ReadDocument<ModelIndex> | undefined> {
  const [path] = documentPaths(model)
  const target = await updater.find(path)
  if (!target) return undefined
  const bytes = await readTarget(path, target)
  return { document: parseModelIndex(bytes, model), bytes: { [path]: bytes } }
}

/**
 * Finds and reads a model's rollout, which is another role's to sign than the index, and may fail alone.
 *
 * @throws AfieldError `manifest/*` or `rollout/invalid`.
 */
export async function readRollout(
  model: string,
  updater: Updater,
  readTarget: ReadTarget,
): Promise<ReadDocument<Rollout | undefined>> {
  const [, path] = documentPaths(model)
  const target = await updater.find(path)
  if (!target) return { document: undefined, bytes: {} }
  const bytes = await readTarget(path, target)
  return { document: parseRollout(bytes, model), bytes: { [path]: bytes } }
}

/** Reads targets from what is stored. */
export function fromStored(documents: StoredState['documents']): ReadTarget {
  return async (path, target) => {
    const bytes = documents[path]
    if (!bytes) throw notStored(path)
    await checkBytes(path, bytes, target)
    return bytes
  }
}

/** Reads targets from what is stored where it is the same still, else from the repository. */
export function fromRepository(folder: Folder, states: readonly StoredState[]): ReadTarget {
  return async (path, target) => {
    for (const { documents } of states) {
      const held = documents[path]
      if (held && (await isAsPromised(held, target))) return held
    }
    const [room = '', file = ''] = path.split('/')
    const limit = room === 'models' ? LIMITS.indexBytes : LIMITS.rolloutBytes
    const { sha256 } = target.hashes
    const url = sha256 === undefined ? path : `${room}/${sha256}.${file}`
    const request = { path: url, file: path, maxBytes: Math.min(limit, target.length) }
    return folder.verified({ ...request, cache: 'default' }, async (bytes) => {
      await checkBytes(path, bytes, target)
      return bytes
    })
  }
}

/**
 * Refuses a rollout that moves devices without saying so.
 *
 * @throws AfieldError `rollout/invalid`.
 */
export function refuseMovedDevices(held: Rollout | undefined, next: Rollout | undefined): void {
  if (held && next) checkRolloutChange(held, next)
}

/** The models whose documents these are. */
export function modelsOf(documents: StoredState['documents']): readonly string[] {
  return Object.keys(documents)
    .filter((path) => path.startsWith('models/'))
    .map((path) => path.slice('models/'.length, -'.json'.length))
}

export function hasRollout({ documents }: StoredState, model: string): boolean {
  return Object.hasOwn(documents, documentPaths(model)[1])
}

/** The documents of these models only. */
export function documentsFor(state: StoredState, models: ReadonlySet<string>): StoredState['documents'] {
  const paths = new Set([...models].flatMap(documentPaths))
  return Object.fromEntries(Object.entries(state.documents).filter(([path]) => paths.has(path)))
}

function documentPaths(model: string): readonly [string, string] {
  return [`models/${model}.json`, `rollouts/${model}.json`]
}
