import { mkdir, readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Root, RoleKeys, Snapshot, Targets, Timestamp } from '@afield/protocol'
import { CliError } from '../errors.js'
import { isMissing } from '../read-file.js'
import { createKeys, keysFolder, refuseExistingKeys, type KeyName, type Signer } from './keys.js'
import { CONTENT_FOLDERS, TIMESTAMP_PATH, metadataPath } from './layout.js'
import { openFiles, type RepositoryLocation } from './location.js'
import { SPEC_VERSION, expiryAt, metaOf, signMetadata } from './sign.js'

export interface Initialised {
  readonly repo: string
  readonly keys: string
  /** Path of the root that an app bundles: the beginning of its trust. */
  readonly root: string
  readonly refreshBy: string
}

type Keys = Readonly<Record<KeyName, Signer>>

/**
 * Makes an empty repository and its two keys.
 *
 * @throws CliError `repository/not-empty`, `keys/exist`.
 * @example
 * const { root } = await initRepository({ repo: 'afield-repo' })
 * // afield-repo/metadata/1.root.json goes into the app, afield-repo.keys/ into a safe
 */
export async function initRepository(
  location: RepositoryLocation,
  { now = new Date() }: { readonly now?: Date } = {},
): Promise<Initialised> {
  const repo = resolve(location.repo)
  const folder = keysFolder(repo, location.keys)
  await refuseNonEmpty(repo)
  await refuseExistingKeys(folder)

  for (const name of CONTENT_FOLDERS) await mkdir(join(repo, name), { recursive: true })
  const keys = await createKeys(folder)
  const files = openFiles(location)
  const root = firstRoot(keys, now)
  const targets = signMetadata(firstTargets(keys, now), root.roles.targets, keys.release)
  const rollouts = signMetadata(firstRollouts(now), roleOf(keys.ops), keys.ops)
  const snapshot = signMetadata(await firstSnapshot(targets, rollouts, now), root.roles.snapshot, keys.ops)
  const timestamp = signMetadata(await firstTimestamp(snapshot, now), root.roles.timestamp, keys.ops)

  await files.create(metadataPath('root', 1), signMetadata(root, root.roles.root, keys.release))
  await files.create(metadataPath('targets', 1), targets)
  await files.create(metadataPath('rollouts', 1), rollouts)
  await files.create(metadataPath('snapshot', 1), snapshot)
  await files.create(TIMESTAMP_PATH, timestamp)
  return {
    repo,
    keys: folder,
    root: resolve(repo, metadataPath('root', 1)),
    refreshBy: expiryAt('timestamp', now),
  }
}

function firstRoot({ release, ops }: Keys, now: Date): Root {
  return {
    _type: 'root',
    spec_version: SPEC_VERSION,
    version: 1,
    expires: expiryAt('root', now),
    consistent_snapshot: true,
    keys: { [release.keyId]: release.key, [ops.keyId]: ops.key },
    roles: {
      root: roleOf(release),
      targets: roleOf(release),
      snapshot: roleOf(ops),
      timestamp: roleOf(ops),
    },
  }
}

function firstTargets({ ops }: Keys, now: Date): Targets {
  return {
    _type: 'targets',
    spec_version: SPEC_VERSION,
    version: 1,
    expires: expiryAt('targets', now),
    targets: {},
    delegations: {
      keys: { [ops.keyId]: ops.key },
      roles: [{ name: 'rollouts', ...roleOf(ops), terminating: true, paths: ['rollouts/*.json'] }],
    },
  }
}

function firstRollouts(now: Date): Targets {
  return {
    _type: 'targets',
    spec_version: SPEC_VERSION,
    version: 1,
    expires: expiryAt('rollouts', now),
    targets: {},
  }
}

async function firstSnapshot(
  targets: Uint8Array<ArrayBuffer>,
  rollouts: Uint8Array<ArrayBuffer>,
  now: Date,
): Promise<Snapshot> {
  return {
    _type: 'snapshot',
    spec_version: SPEC_VERSION,
    version: 1,
    expires: expiryAt('snapshot', now),
    meta: { 'targets.json': await metaOf(1, targets), 'rollouts.json': await metaOf(1, rollouts) },
  }
}

async function firstTimestamp(snapshot: Uint8Array<ArrayBuffer>, now: Date): Promise<Timestamp> {
  return {
    _type: 'timestamp',
    spec_version: SPEC_VERSION,
    version: 1,
    expires: expiryAt('timestamp', now),
    meta: { 'snapshot.json': await metaOf(1, snapshot) },
  }
}

function roleOf(signer: Signer): RoleKeys {
  return { keyids: [signer.keyId], threshold: 1 }
}

async function refuseNonEmpty(repo: string): Promise<void> {
  const entries = await readdir(repo).catch((error: unknown) => {
    if (isMissing(error)) return []
    throw error
  })
  if (entries.length === 0) return
  throw new CliError('repository/not-empty', `${repo} is not empty. Name a new or an empty folder.`)
}
