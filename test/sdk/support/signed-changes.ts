import { generateKeyPairSync } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { jsonBytes, sha256 } from '@afield/protocol'
import { MetadataFiles, metaOf, readSigner, type Signed } from './metadata-files.js'
import { MODEL } from './repository.js'

/** Numbers far above the CLI's, so that its later files do not meet these. */
const JUMP = 1000

/** Which metadata lists a room's documents, and whose key signs it. */
const ROOMS = {
  models: { role: 'targets', key: 'release' },
  rollouts: { role: 'rollouts', key: 'ops' },
} as const

/**
 * Signs what the CLI would not: the model's index or rollout is replaced by what `change` makes of it, with the
 * team's own keys, and all metadata above it in order.
 */
export async function replaceDocument(
  dir: string,
  room: keyof typeof ROOMS,
  change: (document: Record<string, unknown>) => Record<string, unknown>,
): Promise<void> {
  const files = new MetadataFiles(dir)
  const { role, key } = ROOMS[room]
  const timestamp = await files.read('timestamp.json')
  const snapshot = await files.readNamed(timestamp, 'snapshot')
  const listing = await files.readNamed(snapshot, role)

  const targets = listing['targets'] as Record<string, { length: number; hashes: { sha256: string } }>
  const path = `${room}/${MODEL}.json`
  const file = (hash: string): string => join(dir, 'targets', room, `${hash}.${MODEL}.json`)
  const document: unknown = JSON.parse(await readFile(file(targets[path]?.hashes.sha256 ?? ''), 'utf8'))
  const bytes = jsonBytes(change(document as Record<string, unknown>))
  const hash = await sha256(bytes)
  await writeFile(file(hash), bytes)
  targets[path] = { length: bytes.length, hashes: { sha256: hash } }

  const next = raised(listing)
  metaOf(snapshot)[`${role}.json`] = await files.write(`${next.version}.${role}.json`, next, key)
  await writeTop(files, timestamp, snapshot)
}

/** Gives the repository a new ops key, as a team does that lost its old one: root 2, and all that the key signs. */
export async function rotateOpsKey(dir: string): Promise<void> {
  const files = new MetadataFiles(dir)
  const root = await files.read('1.root.json')
  const timestamp = await files.read('timestamp.json')
  const snapshot = await files.readNamed(timestamp, 'snapshot')
  const targets = await files.readNamed(snapshot, 'targets')
  const rollouts = await files.readNamed(snapshot, 'rollouts')

  const { privateKey } = generateKeyPairSync('ed25519')
  await writeFile(files.keyPath('ops'), privateKey.export({ type: 'pkcs8', format: 'pem' }))
  const release = await readSigner(files.keyPath('release'))
  const ops = await readSigner(files.keyPath('ops'))
  const role = { keyids: [ops.id], threshold: 1 }
  const newRoot = {
    ...root,
    version: root.version + 1,
    keys: { [release.id]: release.key, [ops.id]: ops.key },
    roles: { ...(root['roles'] as object), snapshot: role, timestamp: role },
  }
  await files.write(`${newRoot.version}.root.json`, newRoot, 'release')

  const delegated = { name: 'rollouts', ...role, terminating: true, paths: ['rollouts/*.json'] }
  const newTargets = raised({ ...targets, delegations: { keys: { [ops.id]: ops.key }, roles: [delegated] } })
  const newRollouts = raised(rollouts)
  const meta = metaOf(snapshot)
  meta['targets.json'] = await files.write(`${newTargets.version}.targets.json`, newTargets, 'release')
  meta['rollouts.json'] = await files.write(`${newRollouts.version}.rollouts.json`, newRollouts, 'ops')
  await writeTop(files, timestamp, snapshot)
}

async function writeTop(files: MetadataFiles, timestamp: Signed, snapshot: Signed): Promise<void> {
  const next = raised(snapshot)
  metaOf(timestamp)['snapshot.json'] = await files.write(`${next.version}.snapshot.json`, next, 'ops')
  await files.write('timestamp.json', raised(timestamp), 'ops')
}

function raised(signed: Signed): Signed {
  return { ...signed, version: signed.version + JUMP }
}
