import { AfieldError, runnableVersions, type ModelIndex, type Version } from '@afield/protocol'
import type { Rooms } from '../rooms.js'
import type { RemoteContract } from './port.js'

/** Descriptors that are looked for; what is older hardly is what a server has. */
const MOST = 5

/**
 * What an engine that asks a server speaks by.
 *
 * @throws AfieldError `model/not-found`, `manifest/*`, `chunk/*`.
 */
export async function remoteContract(rooms: Rooms, route: string): Promise<RemoteContract> {
  const [model = '', requested] = route.split('@')
  const { blobs, sources } = rooms
  const index = await indexOf(rooms, model)
  let failure: unknown
  for (const version of await candidates(rooms, route, index, model, requested)) {
    const release = index.versions[version]
    if (!release) continue
    try {
      const descriptor = await blobs.descriptor(model, version, release, sources)
      const { contract, stateEpoch = 0 } = descriptor
      return { version, contract, assets: await blobs.assets(descriptor), stateOf: `${model} ${stateEpoch}` }
    } catch (error) {
      failure ??= error
    }
  }
  throw failure ?? new AfieldError('model/not-found', `"${model}" has no version that may run. Publish one.`)
}

/** Where the model is not known here, the app's seed and then the repository are asked. */
async function indexOf({ checks, sources }: Rooms, model: string): Promise<ModelIndex> {
  await checks.restore()
  const isUnknown = (): boolean => !checks.manifest?.models.has(model)
  if (isUnknown()) await checks.adoptSeed(undefined, model)
  if (isUnknown() && sources.length > 0) await checks.refresh(undefined, model)
  return checks.documents(model).index
}

/** What serves or served last, what was asked for, then the newest. */
async function candidates(
  { records, routes }: Rooms,
  route: string,
  index: ModelIndex,
  model: string,
  requested: string | undefined,
): Promise<readonly Version[]> {
  const { current, previous } = await records.read(model)
  const running = routes.get(route)?.running?.served.version
  const wanted = [running, requested as Version | undefined, current?.version, previous?.version]
  const all = [...wanted.flatMap((version) => version ?? []), ...runnableVersions(index)]
  return [...new Set(all)].slice(0, MOST)
}
