import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  SnapshotSchema,
  TargetsSchema,
  TimestampSchema,
  parseDescriptor,
  parseMetadata,
  parseModelIndex,
  parseRollout,
  runnableVersions,
  servedContracts,
  type DeclaredModel,
  type Sha256,
} from '@afield/protocol'

/** Every target path that a repository lists, with the hash of its file. */
type Listed = ReadonlyMap<string, Sha256>

/**
 * The models of a repository's folder with the contracts that its rollouts may serve; those without a version that may
 * run are left out. Signatures are not looked at: it is the developer's own, and nothing of it is run here.
 *
 * @throws AfieldError `manifest/invalid`, `descriptor/invalid`; what the disk says of a file that is not there.
 */
export async function readModels(folder: string): Promise<readonly DeclaredModel[]> {
  const listed = await readListed(folder)
  const models: DeclaredModel[] = []
  for (const target of listed.keys()) {
    const name = /^models\/(.+)\.json$/.exec(target)?.[1]
    if (name === undefined) continue
    const index = parseModelIndex(await readTarget(folder, listed, target), name)
    if (runnableVersions(index).length === 0) continue
    const rolloutTarget = `rollouts/${name}.json`
    const rollout = listed.has(rolloutTarget)
      ? parseRollout(await readTarget(folder, listed, rolloutTarget), name)
      : undefined
    const served = await servedContracts(index, rollout, async (version) => {
      const sha256 = index.versions[version]?.descriptor.sha256 ?? ''
      const bytes = await readFile(join(folder, 'descriptors', `${sha256}.json`))
      return parseDescriptor(bytes, { name: index.name, version })
    })
    models.push({ name, served })
  }
  return models
}

/** What the newest snapshot lists, bins included. */
async function readListed(folder: string): Promise<Listed> {
  const read = (file: string): Promise<Uint8Array> => readFile(join(folder, 'metadata', file))
  const timestamp = parseMetadata(TimestampSchema, await read('timestamp.json'), 'timestamp.json')
  const snapshotFile = `${timestamp.signed.meta['snapshot.json'].version}.snapshot.json`
  const snapshot = parseMetadata(SnapshotSchema, await read(snapshotFile), snapshotFile)
  const listed = new Map<string, Sha256>()
  for (const [role, { version }] of Object.entries(snapshot.signed.meta)) {
    const file = `${version}.${role}`
    const { targets } = parseMetadata(TargetsSchema, await read(file), file).signed
    for (const [path, { hashes }] of Object.entries(targets)) listed.set(path, hashes.sha256)
  }
  return listed
}

function readTarget(folder: string, listed: Listed, target: string): Promise<Uint8Array> {
  const slash = target.lastIndexOf('/') + 1
  const file = `${target.slice(0, slash)}${listed.get(target) ?? ''}.${target.slice(slash)}`
  return readFile(join(folder, 'targets', file))
}
