import { createPrivateKey, sign } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { canonicalBytes, jsonBytes, sha256, toHex } from '@afield/protocol'
import { MODEL } from './repository.js'

type Signed = Record<string, unknown> & { version: number }
type Room = 'models' | 'rollouts'

/** Which metadata lists a room's documents, and whose key signs it. */
const ROOMS = {
  models: { role: 'targets', key: 'release' },
  rollouts: { role: 'rollouts', key: 'ops' },
} as const

/**
 * Writes and signs what the CLI would not: the model's index or rollout is replaced by whatever `change` makes of
 * it, with the team's own keys and all metadata above it in order.
 *
 * @returns what takes it back: the repository is again as it was.
 */
export async function replaceDocument(
  dir: string,
  room: Room,
  change: (document: Record<string, unknown>) => Record<string, unknown>,
): Promise<() => Promise<void>> {
  const metadata = (file: string): string => join(dir, 'metadata', file)
  const { role, key } = ROOMS[room]
  const path = `${room}/${MODEL}.json`
  const before = await readFile(metadata('timestamp.json'))
  const timestamp = signedPart(before)
  const snapshot = await readSigned(metadata(`${versionIn(timestamp, 'snapshot.json')}.snapshot.json`))
  const listing = await readSigned(metadata(`${versionIn(snapshot, `${role}.json`)}.${role}.json`))
  const targets = listing['targets'] as Record<string, { length: number; hashes: { sha256: string } }>
  const file = (hash: string): string => join(dir, 'targets', room, `${hash}.${MODEL}.json`)

  const document = JSON.parse(await readFile(file(targets[path]?.hashes.sha256 ?? ''), 'utf8')) as Record<
    string,
    unknown
  >
  const bytes = jsonBytes(change(document))
  await writeFile(file(await sha256(bytes)), bytes)
  targets[path] = { length: bytes.length, hashes: { sha256: await sha256(bytes) } }

  // Numbers far above the CLI's, so that its later ones do not meet these.
  const jump = 1000
  const listed = await write(metadata(`${listing.version + jump}.${role}.json`), listing, jump, key)
  meta(snapshot)[`${role}.json`] = listed
  const shot = await write(metadata(`${snapshot.version + jump}.snapshot.json`), snapshot, jump, 'ops')
  meta(timestamp)['snapshot.json'] = shot
  await write(metadata('timestamp.json'), timestamp, jump, 'ops')
  return () => writeFile(metadata('timestamp.json'), before)

  async function write(path: string, signed: Signed, raise: number, signer: 'release' | 'ops') {
    signed.version += raise
    const written = await signedFile(signed, join(`${dir}.keys`, `${signer}.pem`))
    await writeFile(path, written)
    return { version: signed.version, length: written.length, hashes: { sha256: await sha256(written) } }
  }
}

/** A metadata file signed with the key in a PEM file. The key's id is that of the CLI's files. */
async function signedFile(signed: Signed, pem: string): Promise<Uint8Array<ArrayBuffer>> {
  const key = createPrivateKey(await readFile(pem))
  const { x } = key.export({ format: 'jwk' })
  const publicKey = {
    keytype: 'ed25519',
    scheme: 'ed25519',
    keyval: { public: toHex(Buffer.from(x ?? '', 'base64url')) },
  }
  const keyid = await sha256(canonicalBytes(publicKey))
  return jsonBytes({ signatures: [{ keyid, sig: toHex(sign(null, canonicalBytes(signed), key)) }], signed })
}

function meta(signed: Signed): Record<string, { version: number }> {
  return signed['meta'] as Record<string, { version: number }>
}

function versionIn(signed: Signed, file: string): number {
  return meta(signed)[file]?.version ?? 0
}

async function readSigned(path: string): Promise<Signed> {
  return signedPart(await readFile(path))
}

function signedPart(bytes: Buffer): Signed {
  return (JSON.parse(bytes.toString('utf8')) as { signed: Signed }).signed
}
