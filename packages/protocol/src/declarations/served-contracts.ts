import type { Contract } from '../contract/contract.js'
import { AfieldError } from '../errors.js'
import type { Version } from '../ids.js'
import type { ModelIndex } from '../model-index.js'
import type { Rollout } from '../rollout/document.js'
import { servedVersions } from '../rollout/serves.js'
import type { ServedContract } from './declare-models.js'

/**
 * The contracts of the versions that a model's rollout may serve, the stable one first.
 *
 * @param read a version's descriptor, from wherever the repository is.
 * @throws AfieldError `model/not-found` when no version may run.
 */
export async function servedContracts(
  index: ModelIndex,
  rollout: Rollout | undefined,
  read: (version: Version) => Promise<{ readonly contract: Contract }>,
): Promise<readonly [ServedContract, ...ServedContract[]]> {
  const [stable, ...others] = servedVersions(index, rollout)
  if (stable === undefined) {
    throw new AfieldError('model/not-found', `${index.name} has no version that may run. Publish one.`)
  }
  const served = async (version: Version): Promise<ServedContract> => ({
    version,
    contract: (await read(version)).contract,
  })
  return [await served(stable), ...(await Promise.all(others.map(served)))]
}
