import { sha256, type Root, type TargetFile, type Targets } from '@afield/protocol'
import { delegationTo } from '../read/delegation.js'
import type { SigningKey } from '../keys/key-file.js'
import type { RepositoryFiles } from '../files/files.js'
import { parentOf, roleListing, rootRequirement, type Repository } from '../read/open.js'
import { addSignatures, countValid, expiryAt, type Requirement, type Signing } from '../keys/sign.js'

/** One new or changed document, such as `models/learner-risk.json`. */
export interface Change {
  readonly target: string
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** What a write is to do. */
export interface Plan {
  readonly changes?: readonly Change[]
  /** The next root. */
  readonly root?: Root
  /** New delegations of a role. */
  readonly delegations?: ReadonlyMap<string, Targets['delegations']>
  /** Further roles to sign anew. */
  readonly resign?: readonly string[]
}

/** A write before its snapshot: the exact metadata, and who has signed it so far. */
export interface Draft {
  readonly changes: readonly Change[]
  readonly root: Signing<Root> | undefined
  readonly roles: ReadonlyMap<string, Signing<Targets>>
}

/** Makes the metadata that a plan asks for, unsigned. */
export async function draftOf(
  repository: Repository,
  { changes = [], root, delegations = new Map(), resign = [] }: Plan,
  now: Date,
): Promise<Draft> {
  const listings = new Map<string, Record<string, TargetFile>>()
  for (const name of [...delegations.keys(), ...resign]) listings.set(name, {})
  for (const { target, bytes } of changes) {
    const name = await roleListing(repository, target)
    const listed: TargetFile = { length: bytes.length, hashes: { sha256: await sha256(bytes) } }
    listings.set(name, { ...listings.get(name), [target]: listed })
  }

  const versions = await highestVersions(repository.files)
  const roles = new Map<string, Signing<Targets>>()
  for (const [name, added] of listings) {
    const current = await repository.role(name)
    const signed: Targets = {
      ...current,
      version: 1 + (versions.get(name) ?? 0),
      expires: expiryAt('targets', now),
      targets: { ...current.targets, ...added },
      ...(delegations.has(name) ? { delegations: delegations.get(name) } : {}),
    }
    roles.set(name, { signed, signatures: [] })
  }
  return { changes, root: root && { signed: root, signatures: [] }, roles }
}

/** Numbers that an interrupted write left behind are passed over: caches keep a numbered file for ever. */
async function highestVersions(files: RepositoryFiles): Promise<ReadonlyMap<string, number>> {
  const highest = new Map<string, number>()
  for (const file of await files.list('metadata')) {
    const [, version, name] = /^(\d+)\.(.+)\.json$/.exec(file) ?? []
    if (name !== undefined) highest.set(name, Math.max(highest.get(name) ?? 0, Number(version)))
  }
  return highest
}

/** Signs each part with the keys that it needs. */
export async function signDraft(
  repository: Repository,
  draft: Draft,
  keys: readonly SigningKey[],
): Promise<Draft> {
  const roles = new Map<string, Signing<Targets>>()
  for (const [name, signing] of draft.roles) {
    roles.set(name, addSignatures(signing, await requirementsOf(repository, draft, name), keys))
  }
  const root = draft.root && addSignatures(draft.root, rootRequirements(repository, draft, 'root'), keys)
  return { ...draft, root, roles }
}

/** A part that lacks signatures. */
export interface Shortfall {
  readonly name: string
  readonly have: number
  readonly need: number
}

interface Part {
  readonly name: string
  readonly signing: Signing
  readonly requirements: readonly Requirement[]
}

/** What a draft still lacks; nothing when it may be published. */
export async function shortfallsOf(repository: Repository, draft: Draft): Promise<readonly Shortfall[]> {
  const parts: Part[] = []
  for (const [name, signing] of draft.roles) {
    parts.push({ name, signing, requirements: await requirementsOf(repository, draft, name) })
  }
  if (draft.root) {
    const requirements = rootRequirements(repository, draft, 'root')
    parts.push({ name: 'root', signing: draft.root, requirements })
  }
  const shortfalls: Shortfall[] = []
  for (const { name, signing, requirements } of parts) {
    for (const requirement of requirements) {
      const have = await countValid(signing, requirement)
      const need = requirement.role.threshold
      if (have < need) shortfalls.push({ name, have, need })
    }
  }
  return shortfalls
}

/** The roles of a draft that would put an older or the same version in place of the current one. */
export function rolesNotAbove(snapshot: Repository['snapshot'], { roles }: Pick<Draft, 'roles'>) {
  return [...roles].flatMap(([name, { signed }]) =>
    signed.version > (snapshot.meta[`${name}.json`]?.version ?? 0) ? [] : [name],
  )
}

/** While keys change, top-level metadata is signed for both: devices learn of the new root a moment apart. */
export function rootRequirements(
  { root }: Repository,
  draft: Pick<Draft, 'root'>,
  role: keyof Root['roles'],
): readonly Requirement[] {
  const next = draft.root?.signed
  return [rootRequirement(root, role), ...(next ? [rootRequirement(next, role)] : [])]
}

async function requirementsOf(
  repository: Repository,
  draft: Draft,
  name: string,
): Promise<readonly Requirement[]> {
  if (name === 'targets') return rootRequirements(repository, draft, 'targets')
  const parent = parentOf(name)
  const delegating = draft.roles.get(parent)?.signed ?? (await repository.role(parent))
  const delegation = delegationTo(delegating, name)
  return delegation ? [delegation] : []
}
