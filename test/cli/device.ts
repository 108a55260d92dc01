import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import {
  TrustedManifest,
  checkBytes,
  decide,
  parseDescriptor,
  parseModelIndex,
  parseRollout,
  sha256,
  type Decision,
  type Descriptor,
  type ModelIndex,
  type Rollout,
} from '@afield/protocol'

/** What a device would believe of a model, and the way to the rest. */
export interface Seen {
  /** The version of the repository. */
  readonly version: number | undefined
  readonly expiresAt: number
  readonly index: ModelIndex | undefined
  readonly rollout: Rollout | undefined
}

/**
 * Reads a repository from files as a device reads it from URLs: from the first root, with every check of the
 * protocol, at a given time.
 */
export async function look(repo: string, model: string, now = Date.now()): Promise<Seen> {
  const metadata = (file: string) => read(join(repo, 'metadata', file))
  const manifest = await TrustedManifest.fromRoot(await metadata('1.root.json'))
  for (;;) {
    const next = await readIfThere(join(repo, 'metadata', `${manifest.rootVersion + 1}.root.json`))
    if (!next) break
    await manifest.acceptRoot(next)
  }
  manifest.checkRootExpiry(now)
  await manifest.acceptTimestamp(await metadata('timestamp.json'), now)
  await manifest.acceptSnapshot(await metadata(`${manifest.snapshotMeta?.version}.snapshot.json`), now)
  const load = async (role: string, delegator: string): Promise<void> => {
    const file = `${manifest.targetsMeta(role)?.version}.${role}.json`
    await manifest.acceptTargets(role, await metadata(file), now, delegator)
  }
  const target = async (folder: string): Promise<Uint8Array | undefined> => {
    const listed = await manifest.find(`${folder}/${model}.json`, load)
    if (!listed) return undefined
    const bytes = await read(join(repo, 'targets', folder, `${listed.hashes.sha256}.${model}.json`))
    await checkBytes(folder, bytes, listed)
    return bytes
  }
  const index = await target('models')
  const rollout = await target('rollouts')
  return {
    version: manifest.version,
    expiresAt: manifest.expiresAt,
    index: index && parseModelIndex(index, model),
    rollout: rollout && parseRollout(rollout, model),
  }
}

/** Which version a device runs, for as many devices as there are ids. */
export function decisions({ index, rollout }: Seen, deviceIds: readonly string[]): readonly Decision[] {
  if (!index) throw new Error('The repository has no such model.')
  return deviceIds.map((deviceId) =>
    decide({ index, rollout, deviceId, assignment: undefined, failedHere: new Set() }),
  )
}

/** Fetches a version and joins its chunks, checking every hash on the way. */
export async function download(
  repo: string,
  { index }: Seen,
  version: string,
): Promise<{ readonly descriptor: Descriptor; readonly model: Uint8Array }> {
  const release = Object.entries(index?.versions ?? {}).find(([name]) => name === version)?.[1]
  if (!index || !release) throw new Error(`The index has no ${version}.`)
  const { sha256: hash, size } = release.descriptor
  const bytes = await read(join(repo, 'descriptors', `${hash}.json`))
  await checkBytes('descriptor', bytes, { length: size, hashes: { sha256: hash } })
  const descriptor = parseDescriptor(bytes, { name: index.name, version })
  const chunks = descriptor.artifacts.flatMap(({ files }) => files.flatMap((file) => file.chunks))
  const parts = await Promise.all(
    chunks.map(async (chunk) => {
      const stored = await read(join(repo, 'chunks', chunk.sha256.slice(0, 2), chunk.sha256))
      const part = chunk.encoding === 'gzip' ? new Uint8Array(gunzipSync(stored)) : stored
      if ((await sha256(part)) !== chunk.sha256) throw new Error(`Chunk ${chunk.sha256} holds other bytes.`)
      return part
    }),
  )
  return { descriptor, model: Buffer.concat(parts) }
}

async function read(path: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await readFile(path))
}

async function readIfThere(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return await read(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
