import {
  canonicalBytes,
  sha256,
  type RoleKeys,
  type Root,
  type TargetFile,
  type Targets,
} from '@afield/protocol'
import { CliError } from '../../errors.js'
import type { Draft } from '../write/draft.js'
import { roleListing, type Repository } from '../read/open.js'
import { refuseSwappedKeys } from './refuse-swapped-keys.js'
import { rootChange, withRootChange } from '../write/root-change.js'
import { expiryAt, type Lifetime } from '../keys/sign.js'

/** Numbers that interrupted writes left behind are passed over, but not so many. */
const MOST_PASSED_OVER = 100

/** How far apart the clocks of those who propose and approve may be. */
const CLOCKS_APART_MS = 86_400_000

/**
 * Refuses metadata that says anything beyond what a proposal is told to do: it has to be what is there now with the
 * told documents, keys and thresholds, a next version and an ordinary expiry.
 *
 * @throws CliError `proposal/invalid`.
 */
export async function refuseHidden(repository: Repository, draft: Draft, now: Date): Promise<void> {
  const told = await toldTargets(repository, draft)
  if (draft.root) {
    const [before, after] = [repository.root, draft.root.signed]
    refuseDifferences('root', expectedRoot(before, after), after)
    await refuseSwappedKeys(repository, 'root', after.keys, Object.values(after.roles))
    refuseExpiry('root', 'root', before, after, now)
  }
  for (const [name, { signed }] of draft.roles) {
    const before = await repository.role(name)
    refuseDifferences(name, expectedRole(before, signed, told.get(name) ?? {}), signed)
    if (signed.delegations && !same(before.delegations, signed.delegations)) {
      const { keys, roles = [], succinct_roles: bins } = signed.delegations
      await refuseSwappedKeys(repository, name, keys, bins ? [bins] : roles)
    }
    refuseVersion(name, before, signed)
    refuseExpiry(name, 'targets', before, signed, now)
  }
}

async function toldTargets(
  repository: Repository,
  { changes }: Draft,
): Promise<ReadonlyMap<string, Readonly<Record<string, TargetFile>>>> {
  const told = new Map<string, Record<string, TargetFile>>()
  for (const { target, bytes } of changes) {
    const name = await roleListing(repository, target)
    const listed: TargetFile = { length: bytes.length, hashes: { sha256: await sha256(bytes) } }
    told.set(name, { ...told.get(name), [target]: listed })
  }
  return told
}

function expectedRole(before: Targets, after: Targets, told: Readonly<Record<string, TargetFile>>): Targets {
  return {
    ...before,
    version: after.version,
    expires: after.expires,
    targets: { ...before.targets, ...told },
    ...(before.delegations
      ? { delegations: expectedDelegations(before.delegations, after.delegations) }
      : {}),
  }
}

type Delegations = NonNullable<Targets['delegations']>

function expectedDelegations(before: Delegations, after: Delegations | undefined): Delegations {
  const { roles, succinct_roles: bins } = before
  return {
    ...before,
    keys: after?.keys ?? before.keys,
    ...(roles
      ? {
          roles: roles.map((role) => ({
            ...role,
            ...keysOf(after?.roles?.find(({ name }) => name === role.name)),
          })),
        }
      : {}),
    ...(bins ? { succinct_roles: { ...bins, ...keysOf(after?.succinct_roles) } } : {}),
  }
}

function expectedRoot(before: Root, after: Root): Root {
  const of = (role: keyof Root['roles']): RoleKeys => ({
    ...before.roles[role],
    ...keysOf(after.roles[role]),
  })
  const expected: Root = {
    ...before,
    version: after.version,
    expires: after.expires,
    keys: after.keys,
    roles: {
      ...before.roles,
      root: of('root'),
      targets: of('targets'),
      snapshot: of('snapshot'),
      timestamp: of('timestamp'),
    },
  }
  const change = rootChange(after)
  return change ? withRootChange(expected, change) : expected
}

function keysOf(role: RoleKeys | undefined): Partial<RoleKeys> {
  return role ? { keyids: role.keyids, threshold: role.threshold } : {}
}

function refuseDifferences(name: string, expected: Root | Targets, after: Root | Targets): void {
  const [field] = differences(expected, after)
  if (field === undefined) return
  const [path] =
    'targets' in expected && 'targets' in after ? differences(expected.targets, after.targets) : []
  throw hidden(
    path === undefined
      ? `The proposal changes ${field} in ${name} without saying so.`
      : `The proposal changes ${path} in ${name} without its document.`,
  )
}

/** The fields that two objects do not share, or that are not the same in both. */
function differences(a: object, b: object): readonly string[] {
  const [before, after] = [new Map(Object.entries(a)), new Map(Object.entries(b))]
  return [...new Set([...before.keys(), ...after.keys()])].filter(
    (field) => before.has(field) !== after.has(field) || !same(before.get(field), after.get(field)),
  )
}

function same(a: unknown, b: unknown): boolean {
  if (a === undefined || b === undefined) return a === b
  return Buffer.compare(canonicalBytes(a), canonicalBytes(b)) === 0
}

function refuseVersion(name: string, before: Targets, after: Targets): void {
  const step = after.version - before.version
  if (step > 0 && step <= MOST_PASSED_OVER) return
  throw hidden(`The proposal gives ${name} the version ${after.version}, after ${before.version}.`)
}

function refuseExpiry(
  name: string,
  role: Lifetime,
  before: { readonly expires: string },
  after: { readonly expires: string },
  now: Date,
): void {
  const at = Date.parse(after.expires)
  const latest = Date.parse(expiryAt(role, now)) + CLOCKS_APART_MS
  // Also false for what is no time.
  if (at <= latest && at >= Date.parse(before.expires) - CLOCKS_APART_MS) return
  throw hidden(`The proposal lets ${name} expire ${after.expires}, which no command does now.`)
}

export function hidden(what: string): CliError {
  return new CliError('proposal/invalid', `${what} Do not sign it; ask who made it.`)
}
