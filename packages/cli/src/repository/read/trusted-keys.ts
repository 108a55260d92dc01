import { listingRoles, type Repository } from './open.js'

/** The ids of all keys that a repository trusts for anything. */
export async function trustedKeyIds(repository: Repository): Promise<ReadonlySet<string>> {
  const ids = new Set(Object.keys(repository.root.keys))
  for (const name of await listingRoles(repository)) {
    const { delegations } = await repository.role(name)
    for (const id of Object.keys(delegations?.keys ?? {})) ids.add(id)
  }
  return ids
}
