import { basename } from 'node:path'
import { type Key, type Root, type RoleKeys, type Targets } from '@afield/protocol'
import { CliError } from '../../errors.js'
import { changeOf, type Attribution } from '../write/change.js'
import { commitPlan, type Committed } from '../write/commit.js'
import { delegatesOf, delegationTo } from '../read/delegation.js'
import type { Plan } from '../write/draft.js'
import { publicKeys, type SigningKey } from '../keys/key-file.js'
import {
  ROLES_OF,
  groupOf,
  isKeyOwner,
  parseKeyFileName,
  type KeyOwner,
  type KeyRole,
} from '../keys/key-names.js'
import {
  createKeys,
  findKeys,
  findNextKeys,
  keysFolder,
  readKey,
  settleKeyFiles,
  type Signer,
} from '../keys/keys.js'
import { openFiles, type RepositoryLocation } from '../files/location.js'
import { openRepository, type Repository } from '../read/open.js'
import { withRootChange } from '../write/root-change.js'
import { settle } from '../write/settle.js'
import { expiryAt } from '../keys/sign.js'
import type { Threshold } from '../keys/threshold.js'
import { trustedKeyIds } from '../read/trusted-keys.js'

export interface RotateOptions extends RepositoryLocation, Attribution {
  /** Which keys: `release`, `ops`, or one role's. */
  readonly owner: string
  /** So many of so many must sign from now on; as it is when left out. Only for release, root and targets. */
  readonly threshold?: Threshold | undefined
  /** Also ECDSA keys; as it is when left out. */
  readonly ecdsa?: boolean | undefined
  /** Encrypts the new key files; keys that are encrypted now are not replaced without. */
  readonly passphrase?: string | undefined
}

export interface Rotated {
  readonly owner: KeyOwner
  readonly rootVersion: number
  readonly keys: string
  /** Absent when a rotation that was interrupted after its last write only had its key files renamed. */
  readonly committed?: Committed
}

/**
 * Replaces the keys of some roles: makes new ones, signs a root N+1 with old and new, and signs anew all that those
 * roles sign. Works without the old ops key, where it is lost; the release key has to be there.
 *
 * Old key files move to `retired/` in the keys folder. Run again after an interruption, it goes on with the keys it
 * made. The new passphrase may be another than the old one.
 *
 * @throws CliError `keys/…`, `repository/conflict`, `usage`; `proposal/waiting` where others have to approve.
 */
export async function rotate(options: RotateOptions): Promise<Rotated> {
  const now = options.now ?? new Date()
  const owner = ownerOf(options)
  const folder = keysFolder(options.repo, options.keys)
  const files = openFiles(options)
  const release = await readKey(folder, 'release')
  const old = await findKeys(folder, 'ops')
  const lost = groupOf(owner) === 'ops' && old.keys.every(isNext)
  if (!lost) await readKey(folder, 'ops')
  const repository = lost ? await openRepository(files) : await settle(files, old, now)

  const waiting = await findNextKeys(folder, owner)
  if (waiting.length > 0 && inPlace(repository, owner, waiting)) {
    await settleKeyFiles(folder, await trustedKeyIds(repository), waiting)
    return { owner, rootVersion: repository.root.version, keys: folder }
  }
  const { total, required, ecdsa } = shapeOf(repository, owner, options)
  const reusable = waiting.length === total * (ecdsa ? 2 : 1)
  if (waiting.length > 0 && !reusable) {
    throw new CliError(
      'keys/exist',
      `An unfinished rotation left ${waiting.map(({ file }) => file).join(', ')}. Finish it with the options it was ` +
        'begun with, or move those files away to begin anew.',
    )
  }
  if (!reusable && options.passphrase === undefined) {
    refusePlain(repository, owner, [...release.keys, ...old.keys])
  }
  const keys = reusable
    ? waiting
    : await createKeys(folder, { owner, total, ecdsa, passphrase: options.passphrase }, 'next')

  const change = await changeOf(options, `rotate ${owner}`, now)
  const plan = await planRotation(repository, owner, keys, required, now)
  const signers = {
    ops: withKeys(await findKeys(folder, 'ops'), owner, keys),
    release: withKeys(await findKeys(folder, 'release'), owner, keys),
  }
  const root = withRootChange(plan.root, change)
  const committed = await commitPlan(repository, { ...plan, root }, signers, now)
  await settleKeyFiles(folder, await trustedKeyIds(await openRepository(files)), keys)
  return { owner, rootVersion: root.version, keys: folder, committed }
}

function ownerOf({ owner, threshold, ecdsa }: RotateOptions): KeyOwner {
  if (!isKeyOwner(owner)) {
    throw new CliError('usage', `"${owner}" is no role. Name one of: ${Object.keys(ROLES_OF).join(', ')}.`)
  }
  if (threshold && groupOf(owner) !== 'release') {
    throw new CliError('usage', 'Only release, root and targets can need several signatures.')
  }
  if (ecdsa && (threshold?.total ?? 1) > 1) {
    throw new CliError('usage', '--ecdsa and --threshold do not go together: a person would count twice.')
  }
  return owner
}

/** The next keys of a role: as many, and of the same kinds, as now, unless told otherwise. */
function shapeOf(
  repository: Repository,
  owner: KeyOwner,
  { threshold, ecdsa }: RotateOptions,
): Threshold & { readonly ecdsa: boolean } {
  const [role = 'root'] = ROLES_OF[owner]
  const { keys, role: now } = keysOf(repository, role)
  const kinds = now.keyids.map((id) => keys[id]?.keytype)
  const plain = kinds.filter((kind) => kind === 'ed25519').length
  const total = threshold?.total ?? plain
  return {
    total,
    required: threshold?.required ?? now.threshold,
    ecdsa: total === 1 && (ecdsa ?? kinds.includes('ecdsa')),
  }
}

function keysOf(repository: Repository, role: KeyRole) {
  if (role !== 'rollouts') return { keys: repository.root.keys, role: repository.root.roles[role] }
  return delegationTo(repository.targets, 'rollouts') ?? { keys: {}, role: { keyids: [], threshold: 1 } }
}

function isNext({ file }: SigningKey): boolean {
  return parseKeyFileName(basename(file))?.next ?? false
}

/** The new keys as they were made: their files may need another passphrase than the one at hand. */
function withKeys({ name, keys }: Signer, owner: KeyOwner, added: readonly SigningKey[]): Signer {
  if (groupOf(owner) !== name) return { name, keys }
  return { name, keys: [...keys.filter(({ file }) => !added.some((key) => key.file === file)), ...added] }
}

/** Who encrypted their keys does not expect that the next ones lie open. */
function refusePlain(repository: Repository, owner: KeyOwner, keys: readonly SigningKey[]): void {
  const ids = ROLES_OF[owner].flatMap((role) => keysOf(repository, role).role.keyids)
  const replaced = keys.find(({ encrypted, keyId }) => encrypted && ids.includes(keyId))
  if (!replaced) return
  throw new CliError(
    'keys/passphrase',
    `${replaced.file} is encrypted, and its successor would not be. Nothing was written; run it again with --passphrase.`,
  )
}

function inPlace(repository: Repository, owner: KeyOwner, keys: readonly SigningKey[]): boolean {
  return ROLES_OF[owner].every((role) => {
    const { keyids } = keysOf(repository, role).role
    return keyids.length === keys.length && keys.every(({ keyId }) => keyids.includes(keyId))
  })
}

async function planRotation(
  repository: Repository,
  owner: KeyOwner,
  keys: readonly SigningKey[],
  threshold: number,
  now: Date,
): Promise<Plan & { readonly root: Root }> {
  const roles = ROLES_OF[owner]
  const next: RoleKeys = { keyids: keys.map(({ keyId }) => keyId), threshold }
  const delegations = new Map<string, Targets['delegations']>()
  const resign = roles.includes('targets') ? ['targets'] : []
  const kinds = [
    ...(roles.includes('targets') ? ['models'] : []),
    ...(roles.includes('rollouts') ? ['rollouts'] : []),
  ].filter((kind) => delegatesOf(repository.targets).includes(kind))
  for (const kind of kinds) {
    const top = delegations.get('targets') ?? repository.targets.delegations
    delegations.set('targets', withDelegate(top, kind, next, keys))
    const own = await repository.role(kind)
    resign.push(kind, ...delegatesOf(own))
    if (own.delegations?.succinct_roles) delegations.set(kind, withBins(own.delegations, next, keys))
  }
  return { root: nextRoot(repository.root, roles, next, keys, now), delegations, resign }
}

function nextRoot(
  root: Root,
  changed: readonly KeyRole[],
  next: RoleKeys,
  keys: readonly SigningKey[],
  now: Date,
): Root {
  const of = (role: keyof Root['roles']): RoleKeys => (changed.includes(role) ? next : root.roles[role])
  const roles = {
    root: of('root'),
    targets: of('targets'),
    snapshot: of('snapshot'),
    timestamp: of('timestamp'),
  }
  const used = Object.values(roles).flatMap(({ keyids }) => keyids)
  return {
    ...root,
    version: root.version + 1,
    expires: expiryAt('root', now),
    keys: onlyUsed({ ...root.keys, ...publicKeys(keys) }, used),
    roles,
  }
}

type Delegations = NonNullable<Targets['delegations']>

function withDelegate(
  delegations: Targets['delegations'],
  name: string,
  next: RoleKeys,
  keys: readonly SigningKey[],
): Delegations {
  const roles = (delegations?.roles ?? []).map((role) => (role.name === name ? { ...role, ...next } : role))
  const used = roles.flatMap(({ keyids }) => keyids)
  return { keys: onlyUsed({ ...delegations?.keys, ...publicKeys(keys) }, used), roles }
}

function withBins(delegations: Delegations, next: RoleKeys, keys: readonly SigningKey[]): Delegations {
  const bins = delegations.succinct_roles
  return bins ? { keys: publicKeys(keys), succinct_roles: { ...bins, ...next } } : delegations
}

function onlyUsed(keys: Record<string, Key>, used: readonly string[]): Record<string, Key> {
  return Object.fromEntries(Object.entries(keys).filter(([id]) => used.includes(id)))
}
