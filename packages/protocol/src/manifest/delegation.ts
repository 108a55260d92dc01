import { sha256, utf8 } from '../bytes.js'
import { AfieldError } from '../errors.js'
import { own } from './checks.js'
import type {
  AnyTargetFile,
  AnyTargets,
  DelegatedRole,
  Delegations,
  RoleKeys,
  SuccinctRoles,
} from './metadata.js'

/** A search asks at most so many roles. */
const MAX_ROLES = 32

/** A role that may speak for a path, and whether nobody is asked after it. */
export interface Delegate {
  readonly name: string
  readonly terminating: boolean
}

/**
 * Searches for a target depth first and in the order of the delegations, each role at most once (5.6.7).
 *
 * @param ask gives a role as its delegator vouches for it; `undefined` ends the search.
 * @throws AfieldError `manifest/invalid` when the search leads through too many roles.
 */
export async function findTarget(
  path: string,
  ask: (role: string, delegator: string) => Promise<AnyTargets | undefined>,
): Promise<AnyTargetFile | undefined> {
  const toVisit = [{ role: 'targets', delegator: 'root' }]
  const visited = new Set<string>()
  for (let next = toVisit.pop(); next; next = toVisit.pop()) {
    const { role, delegator } = next
    if (visited.has(role)) continue
    if (visited.size === MAX_ROLES) {
      throw new AfieldError(
        'manifest/invalid',
        `More than ${MAX_ROLES} roles would have to be asked about ${path}.`,
      )
    }
    visited.add(role)
    const targets = await ask(role, delegator)
    if (!targets) return undefined
    const found = own(targets.targets, path)
    if (found) return found
    const delegates = targets.delegations ? await delegatesFor(targets.delegations, path) : []
    if (delegates.at(-1)?.terminating) toVisit.length = 0
    toVisit.push(...[...delegates].reverse().map(({ name }) => ({ role: name, delegator: role })))
  }
  return undefined
}

/** The roles that may speak for a path, in the order they are asked; a terminating one is the last (5.6.7.2). */
export async function delegatesFor(delegations: Delegations, path: string): Promise<readonly Delegate[]> {
  const { roles = [], succinct_roles: bins } = delegations
  const needsHash = bins !== undefined || roles.some((role) => role.path_hash_prefixes !== undefined)
  const hash = needsHash ? await sha256(utf8(path)) : ''
  if (bins) return [{ name: binAt(bins, hash), terminating: true }]
  const asked: Delegate[] = []
  for (const role of roles) {
    if (!speaksFor(role, path, hash)) continue
    asked.push(role)
    if (role.terminating) break
  }
  return asked
}

/** The keys of a delegated role; `undefined` when nothing is delegated to that name. */
export function roleKeysOf(
  { roles = [], succinct_roles: bins }: Delegations,
  name: string,
): RoleKeys | undefined {
  if (!bins) return roles.find((role) => role.name === name)
  const prefix = `${bins.name_prefix}-`
  const number = name.startsWith(prefix) ? name.slice(prefix.length) : ''
  const isBin = /^[0-9a-f]+$/.test(number) && number.length === binDigits(bins)
  return isBin && Number.parseInt(number, 16) < 2 ** bins.bit_length ? bins : undefined
}

type BinNames = Pick<SuccinctRoles, 'bit_length' | 'name_prefix'>

/** The bin that lists a target: the first bits of its path's hash (TAP 15). */
export async function binOf(bins: BinNames, path: string): Promise<string> {
  return binAt(bins, await sha256(utf8(path)))
}

/** Every bin, in order. */
export function binNames(bins: BinNames): readonly string[] {
  return Array.from({ length: 2 ** bins.bit_length }, (_, number) => binName(bins, number))
}

function binAt(bins: BinNames, hash: string): string {
  return binName(bins, Number.parseInt(hash.slice(0, 8), 16) >>> (32 - bins.bit_length))
}

function binName(bins: BinNames, number: number): string {
  return `${bins.name_prefix}-${number.toString(16).padStart(binDigits(bins), '0')}`
}

function binDigits({ bit_length: bits }: BinNames): number {
  return Math.ceil(bits / 4)
}

function speaksFor(
  { paths, path_hash_prefixes: prefixes }: DelegatedRole,
  path: string,
  hash: string,
): boolean {
  if (prefixes?.some((prefix) => hash.startsWith(prefix))) return true
  return paths?.some((pattern) => matchesPath(pattern, path)) ?? false
}

/** `*` matches within one path segment, as TUF's shell-style patterns do (4.5). */
function matchesPath(pattern: string, path: string): boolean {
  const want = pattern.split('/')
  const have = path.split('/')
  return want.length === have.length && want.every((segment, i) => matchesSegment(segment, have[i] ?? ''))
}

/** Backtracks to the last star only, so no pattern takes more than pattern times text. */
function matchesSegment(pattern: string, text: string): boolean {
  let at = 0
  let star = -1
  let resume = 0
  for (let i = 0; i < text.length; i += 1) {
    if (pattern[at] === '*') {
      star = at++
      resume = i--
    } else if (pattern[at] === '?' || (at < pattern.length && pattern[at] === text[i])) {
      at += 1
    } else if (star >= 0) {
      at = star + 1
      i = resume++
    } else {
      return false
    }
  }
  while (pattern[at] === '*') at += 1
  return at === pattern.length
}
