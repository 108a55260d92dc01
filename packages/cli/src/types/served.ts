import {
  AfieldError,
  latestVersion,
  runnableVersions,
  type Descriptor,
  type ModelIndex,
  type Rollout,
  type ServedContract,
  type Version,
} from '@afield/protocol'
import { servesAs } from '../repository/read/serving.js'

/**
 * The contracts of the versions that a model's rollout may serve, the stable one first. A model that is killed for now
 * counts as what it was.
 *
 * @throws AfieldError `model/not-found` when no version may run.
 */
export async function servedContracts(
  index: ModelIndex,
  rollout: Rollout | undefined,
  read: (version: Version) => Promise<Descriptor>,
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

function servedVersions(index: ModelIndex, rollout: Rollout | undefined): readonly Version[] {
  const revived = rollout?.killed === 'model' ? { ...rollout, killed: 'none' as const } : rollout
  const named = [servesAs(index, revived, 'stable'), servesAs(index, revived, 'candidate')]
  const served = runnableVersions(index).filter((version) => named.includes(version))
  if (served.length > 0) return served.sort((a, b) => named.indexOf(a) - named.indexOf(b))
  // Pre-releases serve nobody by themselves, yet an app may name one.
  const only = latestVersion(index) ?? runnableVersions(index)[0]
  return only === undefined ? [] : [only]
}
