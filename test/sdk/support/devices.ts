import { readFile } from 'node:fs/promises'
import {
  createDevice,
  memoryStorage,
  type Device,
  type DeviceOptions,
  type DeviceStorage,
  type KeyValueStore,
} from 'afield/node'
import { afterTest } from '../../clean-up.js'
import { MODEL, type ExampleVersion, type TestRepository } from './repository.js'

/** What an app asks in these tests. */
export const RECORD = { hours_studied: 12.5, quiz_score: 61 }

export type DeviceChanges = Omit<DeviceOptions, 'repository' | 'root'>

/** A device that follows a repository until the test is over. */
export function startDevice(
  { url, root }: Pick<TestRepository, 'url' | 'root'>,
  changes: DeviceChanges = {},
): Device {
  const device = createDevice({ repository: url, root, ...changes })
  afterTest(() => Promise.allSettled([device.close()]))
  return device
}

/** A device on which the example model serves, and the storage that outlives it. */
export async function loadedDevice(
  repository: Pick<TestRepository, 'url' | 'root'>,
  changes: DeviceChanges = {},
): Promise<{ readonly device: Device; readonly storage: DeviceStorage }> {
  const storage = changes.storage ?? memoryStorage()
  const device = startDevice(repository, { ...changes, storage })
  await device.load(MODEL)
  return { device, storage }
}

/** Which version answers, by asking it. */
export async function servedVersion(device: Device): Promise<string> {
  return (await device.predict(MODEL, RECORD)).modelVersion
}

/** What training promises for {@link RECORD}. */
export async function promisedRisk(version: ExampleVersion): Promise<number> {
  const file = new URL(
    `../../../examples/learner-risk/models/learner-risk-${version}.golden.json`,
    import.meta.url,
  )
  const vectors = JSON.parse(await readFile(file, 'utf8')) as readonly {
    readonly input: typeof RECORD
    readonly output: { readonly risk_score: number }
  }[]
  const vector = vectors.find(
    ({ input }) => input.hours_studied === RECORD.hours_studied && input.quiz_score === RECORD.quiz_score,
  )
  if (!vector) throw new Error(`${version} has no golden vector for the record of these tests.`)
  return vector.output.risk_score
}

/** The same device elsewhere: what one does to the copy, the original does not see. */
export async function copyStorage(storage: DeviceStorage): Promise<DeviceStorage> {
  const copy = memoryStorage()
  const copyAll = async (from: KeyValueStore, to: KeyValueStore): Promise<void> => {
    const keys = await from.keys()
    const values = await from.getMany(keys)
    await to.write(new Map(keys.map((key, i) => [key, structuredClone(values[i])])))
  }
  await copyAll(storage.state, copy.state)
  await copyAll(storage.blobs, copy.blobs)
  return copy
}
