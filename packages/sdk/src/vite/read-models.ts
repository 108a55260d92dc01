import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  latestVersion,
  parseDescriptor,
  parseModelIndex,
  parseRollout,
  runnableVersions,
  type DeclaredModel,
  type ModelIndex,
  type ServedContract,
  type Version,
} from '@afield/protocol'

/** The parts of metadata that lead to what a repository holds. Nothing is verified: it is the developer's own. */
interface Signed {
  readonly meta?: Readonly<Record<string, { readonly version: number }>>
  readonly targets?: Readonly<Record<string, { readonly hashes: { readonly sha256: string } }>>
}

/** The models of a repository's folder with the contracts that its rollouts may serve. */
export async function readModels(folder: string): Promise<readonly DeclaredModel[]> {
  const targets = await readTargets(folder)
  const models: DeclaredModel[] = []
  for (const target of targets.keys()) {
    const name = /^models\/(.+)\.json$/.exec(target)?.[1]
    if (name === undefined) continue
    const index = parseModelIndex(await readTarget(folder, targets, target), name)
    const [stable, ...others] = await servedContracts(folder, index, targets)
    if (stable) models.push({ name, served: [stable, ...others] })
  }
  return models
}

async function servedContracts(
  folder: string,
  index: ModelIndex,
  targets: ReadonlyMap<string, string>,
): Promise<readonly ServedContract[]> {
  const target = `rollouts/${index.name}.json`
  const rollout = targets.has(target)
    ? parseRollout(await readTarget(folder, targets, target), index.name)
    : undefined
  const named = [rollout?.stable, rollout?.candidate].filter((version) => version !== undefined)
  const runnable = runnableVersions(index)
  const served = named.filter((version) => runnable.includes(version))
  const versions = served.length > 0 ? served : [latestVersion(index) ?? runnable[0]]
  return Promise.all(
    versions
      .filter((version): version is Version => version !== undefined)
      .map((version) => readContract(folder, index, version)),
  )
}

async function readContract(folder: string, index: ModelIndex, version: Version): Promise<ServedContract> {
  const sha256 = index.versions[version]?.descriptor.sha256 ?? ''
  const bytes = await readFile(join(folder, 'descriptors', `${sha256}.json`))
  return { version, contract: parseDescriptor(bytes, { name: index.name, version }).contract }
}

/** Every target path of the newest snapshot, bins included, with the hash of its file. */
async function readTargets(folder: string): Promise<ReadonlyMap<string, string>> {
  const timestamp = await readSigned(folder, 'timestamp.json')
  const version = timestamp.meta?.['snapshot.json']?.version ?? 0
  const { meta = {} } = await readSigned(folder, `${version}.snapshot.json`)
  const found = new Map<string, string>()
  for (const [role, listed] of Object.entries(meta)) {
    const { targets = {} } = await readSigned(folder, `${listed.version}.${role}`)
    for (const [path, { hashes }] of Object.entries(targets)) found.set(path, hashes.sha256)
  }
  return found
}

function readTarget(
  folder: string,
  targets: ReadonlyMap<string, string>,
  target: string,
): Promise<Uint8Array> {
  const slash = target.lastIndexOf('/') + 1
  const file = `${target.slice(0, slash)}${targets.get(target) ?? ''}.${target.slice(slash)}`
  return readFile(join(folder, 'targets', file))
}

async function readSigned(folder: string, file: string): Promise<Signed> {
  const text = await readFile(join(folder, 'metadata', file), 'utf8')
  return (JSON.parse(text) as { readonly signed: Signed }).signed
}
