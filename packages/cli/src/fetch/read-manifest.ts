import {
  AfieldError,
  MAX_INDEX_BYTES,
  TrustedManifest,
  checkBytes,
  parseModelIndex,
  parseRollout,
  type AnyTargetFile,
  type ModelIndex,
  type ModelName,
  type Reference,
  type Rollout,
} from '@afield/protocol'
import {
  TIMESTAMP_PATH,
  indexTarget,
  metadataPath,
  rolloutTarget,
  targetPath,
} from '../repository/files/layout.js'
import type { RepositorySource } from './source.js'

/** More is never read into memory; where signed metadata promises a length, that counts instead. */
const LIMITS = {
  rootBytes: 512_000,
  timestampBytes: 16_384,
  snapshotBytes: 2_000_000,
  targetsBytes: 5_000_000,
}
const MAX_ROTATIONS = 1024

/** What a repository says of one model, verified. */
export interface ModelState {
  readonly repositoryVersion: number
  /** When the first of the metadata expires, in ms since 1970. */
  readonly expiresAt: number
  readonly index: ModelIndex
  readonly rollout: Rollout | undefined
}

/**
 * Reads what a repository says of a model as a device does: from a root that is trusted, through every newer root,
 * timestamp, snapshot, targets and the roles that these delegate the model's paths to.
 *
 * @param reference the time that expiry is judged at, or `at-rest` to pass it over.
 * @throws AfieldError `manifest/…`, `rollout/invalid`, `model/not-found`.
 */
export async function readManifest(
  source: RepositorySource,
  root: Uint8Array<ArrayBuffer>,
  model: ModelName,
  reference: Reference,
  signal?: AbortSignal,
): Promise<ModelState> {
  const manifest = await TrustedManifest.fromRoot(root)
  await followRoots(source, manifest, signal)
  manifest.checkRootExpiry(reference)

  await manifest.acceptTimestamp(
    await require(source, TIMESTAMP_PATH, LIMITS.timestampBytes, signal),
    reference,
  )
  const { version = 0, length = LIMITS.snapshotBytes } = manifest.snapshotMeta ?? {}
  const snapshot = await require(source, metadataPath('snapshot', version), length, signal)
  await manifest.acceptSnapshot(snapshot, reference)

  const read = async (target: string): Promise<Uint8Array<ArrayBuffer> | undefined> => {
    const listed = await manifest.find(target, (role, delegator) =>
      acceptRole(source, manifest, role, delegator, reference, signal),
    )
    return listed && readDocument(source, target, listed, signal)
  }
  const index = await read(indexTarget(model))
  if (!index) throw new AfieldError('model/not-found', `${source.name} has no model "${model}".`)
  const rollout = await read(rolloutTarget(model))
  return {
    repositoryVersion: manifest.version ?? 0,
    expiresAt: manifest.expiresAt,
    index: parseModelIndex(index, model),
    rollout: rollout && parseRollout(rollout, model),
  }
}

/**
 * The first root of a repository, for those who have none.
 *
 * @throws AfieldError `manifest/unavailable`.
 */
export function readFirstRoot(
  source: RepositorySource,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  return require(source, metadataPath('root', 1), LIMITS.rootBytes, signal)
}

async function followRoots(
  source: RepositorySource,
  manifest: TrustedManifest,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (let rotation = 0; rotation < MAX_ROTATIONS; rotation++) {
    const path = metadataPath('root', manifest.rootVersion + 1)
    const next = await source.read(path, LIMITS.rootBytes, signal)
    // Hosts of single-page apps answer with a page for what is not there.
    if (!next || next[0] === 0x3c) return
    await manifest.acceptRoot(next)
  }
}

async function acceptRole(
  source: RepositorySource,
  manifest: TrustedManifest,
  role: string,
  delegator: string,
  reference: Reference,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { version = 0, length = LIMITS.targetsBytes } = manifest.targetsMeta(role) ?? {}
  const bytes = await require(source, `metadata/${version}.${role}.json`, length, signal)
  await manifest.acceptTargets(role, bytes, reference, delegator)
}

async function readDocument(
  source: RepositorySource,
  target: string,
  listed: AnyTargetFile,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  const { sha256 } = listed.hashes
  if (!sha256)
    throw new AfieldError('manifest/invalid', `${target} has no SHA-256.`, { details: { file: target } })
  const path = targetPath(target, sha256)
  const bytes = await require(source, path, Math.min(listed.length, MAX_INDEX_BYTES), signal)
  await checkBytes(target, bytes, listed)
  return bytes
}

async function require(
  source: RepositorySource,
  path: string,
  maxBytes: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await source.read(path, maxBytes, signal)
  if (bytes) return bytes
  throw new AfieldError(
    'manifest/unavailable',
    `${source.name} has no ${path}. Is it the address of a repository, and did its last deploy finish?`,
    { details: { file: path } },
  )
}
