import { canonicalBytes, keyIdOf, type Key, type RoleKeys } from '@afield/protocol'
import { CliError } from '../../errors.js'
import { delegatesOf } from '../read/delegation.js'
import type { Repository } from '../read/open.js'

/**
 * People are told of keys by their ids. So each id has to be its key's hash, a key that is trusted now has to stay the
 * very same, and none may come along that no role uses.
 *
 * @throws CliError `proposal/invalid`.
 */
export async function refuseSwappedKeys(
  repository: Repository,
  name: string,
  keys: Readonly<Record<string, Key>>,
  roles: readonly RoleKeys[],
): Promise<void> {
  const trusted = await trustedKeys(repository)
  const used = new Set(roles.flatMap(({ keyids }) => keyids))
  for (const [id, key] of Object.entries(keys)) {
    const known = trusted.filter(([trustedId]) => trustedId === id).map(([, trustedKey]) => trustedKey)
    if ((await keyIdOf(key)) !== id || known.some((now) => !sameKey(now, key))) {
      throw refused(name, id, 'is another key than its id says')
    }
    if (!used.has(id) && known.length === 0) throw refused(name, id, 'is used by no role')
  }
}

async function trustedKeys(repository: Repository): Promise<readonly (readonly [string, Key])[]> {
  const names = ['targets', ...delegatesOf(repository.targets)]
  const roles = await Promise.all(names.map((name) => repository.role(name)))
  const places = [repository.root.keys, ...roles.map(({ delegations }) => delegations?.keys ?? {})]
  return places.flatMap((keys) => Object.entries(keys))
}

function sameKey(a: Key, b: Key): boolean {
  return Buffer.compare(canonicalBytes(a), canonicalBytes(b)) === 0
}

function refused(name: string, id: string, why: string): CliError {
  return new CliError(
    'proposal/invalid',
    `In the proposal, the key ${id.slice(0, 12)} of ${name} ${why}. Do not sign it; ask who made it.`,
  )
}
