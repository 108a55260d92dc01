import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { canonicalBytes, jsonBytes, keyIdOf, sha256, toHex, type Key, type MetaFile } from '@afield/protocol'

/** What is signed in a metadata file, loosely: these tests write what the CLI would not. */
export type Signed = Record<string, unknown> & { version: number }

/** The metadata of a repository on disk, and the team's keys beside it. */
export class MetadataFiles {
  readonly #dir: string

  constructor(dir: string) {
    this.#dir = dir
  }

  path(file: string): string {
    return join(this.#dir, 'metadata', file)
  }

  keyPath(name: 'release' | 'ops'): string {
    return join(`${this.#dir}.keys`, `${name}.pem`)
  }

  async read(file: string): Promise<Signed> {
    return (JSON.parse(await readFile(this.path(file), 'utf8')) as { signed: Signed }).signed
  }

  /** Reads the version of a file that the file above it names. */
  readNamed(above: Signed, role: string): Promise<Signed> {
    return this.read(`${metaOf(above)[`${role}.json`]?.version ?? 0}.${role}.json`)
  }

  /** Signs and writes a file; returns how the file above it must name it. */
  async write(file: string, signed: Signed, signer: 'release' | 'ops'): Promise<MetaFile> {
    const { id, sign: signBytes } = await readSigner(this.keyPath(signer))
    const bytes = jsonBytes({ signatures: [{ keyid: id, sig: signBytes(canonicalBytes(signed)) }], signed })
    await writeFile(this.path(file), bytes)
    return { version: signed.version, length: bytes.length, hashes: { sha256: await sha256(bytes) } }
  }
}

export function metaOf(signed: Signed): Record<string, MetaFile> {
  return signed['meta'] as Record<string, MetaFile>
}

export async function readSigner(
  pem: string,
): Promise<{ readonly id: string; readonly key: Key; readonly sign: (bytes: Uint8Array) => string }> {
  const privateKey = createPrivateKey(await readFile(pem))
  const raw = Buffer.from(createPublicKey(privateKey).export({ format: 'jwk' }).x ?? '', 'base64url')
  const key: Key = { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: toHex(raw) } }
  return { id: await keyIdOf(key), key, sign: (bytes) => toHex(sign(null, bytes, privateKey)) }
}
