import { mkdir, readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { binNames, type MetaFile, type Root, type RoleKeys, type Targets } from '@afield/protocol'
import { CliError } from '../../errors.js'
import { isMissing } from '../../read-file.js'
import { changeOf, type Attribution } from '../write/change.js'
import { Created } from '../files/created.js'
import { claimingFolder } from '../keys/claim-folder.js'
import { publicKeys, type SigningKey } from '../keys/key-file.js'
import { KEY_ROLES, ROLES_OF, type KeyOwner, type KeyRole } from '../keys/key-names.js'
import { createKeys, keysFolder, refuseExistingKeys } from '../keys/keys.js'
import { CONTENT_FOLDERS, TIMESTAMP_PATH, metadataPath } from '../files/layout.js'
import { openFiles, type RepositoryLocation } from '../files/location.js'
import { roleMeta } from '../write/publish-draft.js'
import { withRootChange } from '../write/root-change.js'
import {
  SPEC_VERSION,
  addSignatures,
  expiryAt,
  metaOf,
  metadataBytes,
  type Lifetime,
  type Metadata,
} from '../keys/sign.js'
import type { Threshold } from '../keys/threshold.js'

/** More would not make a device fetch less: the snapshot names every bin. */
const MAX_BINS = 256

/** The delegated roles that a catalogue in bins is spread over. */
const BINNED_ROLES = ['models', 'rollouts'] as const

export interface InitOptions extends Attribution {
  /** `two`: release and ops, the default. `separate`: a key for each role. */
  readonly roles?: 'two' | 'separate' | undefined
  /** So many of so many release keys must sign what may run; 1 of 1 when left out. */
  readonly threshold?: Threshold | undefined
  /** Spreads a large catalogue over so many bins, a power of two up to 256. */
  readonly bins?: number | undefined
  /** Signs with ECDSA on P-256, too, for browsers without Ed25519. */
  readonly ecdsa?: boolean | undefined
  /** Encrypts the key files. */
  readonly passphrase?: string | undefined
}

export interface Initialised {
  readonly repo: string
  readonly keys: string
  /** The key files' names. */
  readonly keyFiles: readonly string[]
  /** Path of the root that an app bundles: the beginning of its trust. */
  readonly root: string
  readonly refreshBy: string
}

/** A role's keys, and how many must sign. */
interface RoleSigners {
  readonly keys: readonly SigningKey[]
  readonly role: RoleKeys
}
type Roles = Readonly<Record<KeyRole, RoleSigners>>

/**
 * Makes an empty repository and its keys.
 *
 * @throws CliError `repository/not-empty`, `keys/exist`, `usage`.
 * @example
 * const { root } = await initRepository({ repo: 'afield-repo' })
 * // afield-repo/metadata/1.root.json goes into the app, afield-repo.keys/ into a safe
 * await initRepository({ repo: 'catalogue' }, { bins: 64, threshold: { required: 2, total: 3 } })
 */
export async function initRepository(
  location: RepositoryLocation,
  options: InitOptions = {},
): Promise<Initialised> {
  const { now = new Date() } = options
  refuseImpossible(options)
  const repo = resolve(location.repo)
  const folder = keysFolder(repo, location.keys)
  await refuseNonEmpty(repo)
  const roles = await claimingFolder(folder, async () => {
    await refuseExistingKeys(folder)
    const created = new Created()
    return write(location, folder, options, now, created).catch(async (error: unknown) => {
      // Nobody trusts any of it yet, so the next try may begin anew.
      await created.takeBack()
      throw error
    })
  })
  return {
    repo,
    keys: folder,
    keyFiles: [...new Set(KEY_ROLES.flatMap((role) => roles[role].keys.map(({ file }) => file)))],
    root: resolve(repo, metadataPath('root', 1)),
    refreshBy: expiryAt('timestamp', now),
  }
}

/** Everything that makes a repository, the timestamp last: without it there is none. */
async function write(
  location: RepositoryLocation,
  folder: string,
  options: InitOptions,
  now: Date,
  created: Created,
): Promise<Roles> {
  await mkdir(location.repo, { recursive: true })
  for (const name of [...CONTENT_FOLDERS, 'metadata']) await created.folder(join(location.repo, name))
  const roles = await createRoles(folder, options, created)
  const files = openFiles(location)
  const create = async (path: string, bytes: Uint8Array): Promise<void> => {
    if ((await files.create(path, bytes)) === 'exists') throw notEmpty(resolve(location.repo))
    created.file(join(location.repo, path))
  }
  const meta: Record<string, MetaFile> = {}
  for (const [name, targets, { keys, role }] of firstTargets(roles, options, now)) {
    const bytes = signedBytes(targets, role, keys)
    meta[`${name}.json`] = await roleMeta(name, 1, bytes)
    await create(metadataPath(name, 1), bytes)
  }
  const { root, snapshot, timestamp } = roles
  const change = await changeOf(options, 'init', now)
  const firstRoot = signedBytes(withRootChange(rootOf(roles, now), change), root.role, root.keys)
  await create(metadataPath('root', 1), firstRoot)
  const firstSnapshot = signedBytes(
    { _type: 'snapshot', ...common('snapshot', now), meta },
    snapshot.role,
    snapshot.keys,
  )
  await create(metadataPath('snapshot', 1), firstSnapshot)
  const snapshotMeta = { 'snapshot.json': await metaOf(1, firstSnapshot) }
  const firstTimestamp = { _type: 'timestamp' as const, ...common('timestamp', now), meta: snapshotMeta }
  await create(TIMESTAMP_PATH, signedBytes(firstTimestamp, timestamp.role, timestamp.keys))
  return roles
}

function refuseImpossible({ bins, threshold, ecdsa }: InitOptions): void {
  if (bins !== undefined && !(bins >= 2 && bins <= MAX_BINS && Number.isInteger(Math.log2(bins)))) {
    throw new CliError('usage', `--bins is a power of two from 2 to ${MAX_BINS}; 64 suits a thousand models.`)
  }
  if (ecdsa && (threshold?.total ?? 1) > 1) {
    throw new CliError(
      'usage',
      '--ecdsa and --threshold do not go together: a person with a key of each kind would count twice.',
    )
  }
}

async function createRoles(
  folder: string,
  { roles = 'two', threshold, ecdsa = false, passphrase }: InitOptions,
  created: Created,
): Promise<Roles> {
  const owners: readonly KeyOwner[] = roles === 'two' ? ['release', 'ops'] : KEY_ROLES
  const made = new Map<KeyRole, RoleSigners>()
  for (const owner of owners) {
    const shared = ROLES_OF[owner].some((role) => ROLES_OF.release.includes(role)) ? threshold : undefined
    const plan = { owner, total: shared?.total ?? 1, ecdsa, passphrase }
    const keys = await createKeys(folder, plan, 'now')
    for (const { file } of keys) created.file(file)
    const role = { keyids: keys.map(({ keyId }) => keyId), threshold: shared?.required ?? 1 }
    for (const name of ROLES_OF[owner]) made.set(name, { keys, role })
  }
  const of = (name: KeyRole): RoleSigners => {
    const found = made.get(name)
    if (found) return found
    throw new CliError('usage', `No key was made for the role ${name}.`)
  }
  return {
    root: of('root'),
    targets: of('targets'),
    rollouts: of('rollouts'),
    snapshot: of('snapshot'),
    timestamp: of('timestamp'),
  }
}

function rootOf(roles: Roles, now: Date): Root {
  const { root, targets, snapshot, timestamp } = roles
  return {
    _type: 'root',
    ...common('root', now),
    consistent_snapshot: true,
    keys: publicKeys([root, targets, snapshot, timestamp].flatMap(({ keys }) => keys)),
    roles: { root: root.role, targets: targets.role, snapshot: snapshot.role, timestamp: timestamp.role },
  }
}

type FirstTargets = readonly [name: string, targets: Targets, signers: RoleSigners]

/** Every role that lists documents, empty; who signs each. */
function firstTargets(roles: Roles, { bins }: InitOptions, now: Date): readonly FirstTargets[] {
  const signers = { models: roles.targets, rollouts: roles.rollouts }
  const kinds = bins === undefined ? (['rollouts'] as const) : BINNED_ROLES
  const delegations = {
    keys: publicKeys(kinds.flatMap((kind) => signers[kind].keys)),
    roles: kinds.map((name) => ({
      name,
      ...signers[name].role,
      terminating: true,
      paths: [`${name}/*.json`],
    })),
  }
  const empty: Targets = { _type: 'targets', ...common('targets', now), targets: {} }
  const first: FirstTargets[] = [['targets', { ...empty, delegations }, roles.targets]]
  for (const kind of kinds) {
    if (bins === undefined) {
      first.push([kind, empty, signers[kind]])
      continue
    }
    const succinct = { ...signers[kind].role, bit_length: Math.log2(bins), name_prefix: kind }
    const spread = { keys: publicKeys(signers[kind].keys), succinct_roles: succinct }
    first.push([kind, { ...empty, delegations: spread }, signers[kind]])
    for (const bin of binNames(succinct)) first.push([bin, empty, signers[kind]])
  }
  return first
}

function common(role: Lifetime, now: Date) {
  return { spec_version: SPEC_VERSION, version: 1, expires: expiryAt(role, now) }
}

function signedBytes(signed: Metadata, role: RoleKeys, keys: readonly SigningKey[]): Uint8Array<ArrayBuffer> {
  return metadataBytes(addSignatures({ signed, signatures: [] }, [{ role, keys: {} }], keys))
}

async function refuseNonEmpty(repo: string): Promise<void> {
  const entries = await readdir(repo).catch((error: unknown) => {
    if (isMissing(error)) return []
    throw error
  })
  if (entries.length > 0) throw notEmpty(repo)
}

function notEmpty(repo: string): CliError {
  return new CliError('repository/not-empty', `${repo} is not empty. Name a new or an empty folder.`)
}
