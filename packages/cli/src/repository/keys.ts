import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { isAbsolute, join, relative, resolve, sep } from 'node:path'
import { keyIdOf, toHex, type Key } from '@afield/protocol'
import { CliError } from '../errors.js'
import { hasCode, readIfThere } from '../read-file.js'

/**
 * `release` signs root and targets: what may run at all. `ops` signs rollouts, snapshot and timestamp: who gets
 * which of it. A machine that steers rollouts needs only the second.
 */
export type KeyName = 'release' | 'ops'

/** A private key that can sign, with its public half as metadata lists it. */
export interface Signer {
  readonly name: KeyName
  readonly keyId: string
  readonly key: Key
  /** The Ed25519 signature in hex. */
  sign(bytes: Uint8Array): string
}

/** The folder of the private keys: as given, else AFIELD_KEYS, else `<repository>.keys` beside the repository. */
export function keysFolder(repo: string, given: string | undefined): string {
  const folder = resolve(given ?? process.env['AFIELD_KEYS'] ?? `${resolve(repo)}.keys`)
  const way = relative(resolve(repo), folder)
  if (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)) {
    throw new CliError(
      'usage',
      `The keys folder ${folder} is inside the repository, which gets published. Choose one outside with --keys.`,
    )
  }
  return folder
}

/**
 * Makes both keys: PKCS#8 PEM files that only their owner can read.
 *
 * @throws CliError `keys/exist` rather than replace a key that devices may trust.
 */
export async function createKeys(folder: string): Promise<Readonly<Record<KeyName, Signer>>> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  return { release: await createKey(folder, 'release'), ops: await createKey(folder, 'ops') }
}

/** @throws CliError `keys/exist` when the folder holds one of the keys. */
export async function refuseExistingKeys(folder: string): Promise<void> {
  for (const name of ['release', 'ops'] as const) {
    if (await readIfThere(keyFile(folder, name))) throw keysExist(keyFile(folder, name))
  }
}

/** @throws CliError `keys/missing` or `keys/wrong`. */
export async function readKey(folder: string, name: KeyName): Promise<Signer> {
  const file = keyFile(folder, name)
  const pem = await readIfThere(file)
  if (!pem) {
    throw new CliError(
      'keys/missing',
      `There is no ${name} key at ${file}. Name the folder that holds it with --keys or AFIELD_KEYS.`,
    )
  }
  return signerOf(name, parseKey(file, pem))
}

async function createKey(folder: string, name: KeyName): Promise<Signer> {
  const { privateKey } = generateKeyPairSync('ed25519')
  const file = keyFile(folder, name)
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })
  try {
    await writeFile(file, pem, { mode: 0o600, flag: 'wx', flush: true })
  } catch (error) {
    throw hasCode(error, 'EEXIST') ? keysExist(file) : error
  }
  return signerOf(name, privateKey)
}

function parseKey(file: string, pem: Uint8Array): KeyObject {
  try {
    const key = createPrivateKey(Buffer.from(pem))
    if (key.asymmetricKeyType === 'ed25519') return key
  } catch (cause) {
    throw new CliError('keys/wrong', `${file} is not a private key in PEM form.`, { cause })
  }
  throw new CliError('keys/wrong', `${file} is not an Ed25519 key.`)
}

async function signerOf(name: KeyName, privateKey: KeyObject): Promise<Signer> {
  const raw = Buffer.from(createPublicKey(privateKey).export({ format: 'jwk' }).x ?? '', 'base64url')
  const key: Key = { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: toHex(raw) } }
  return { name, key, keyId: await keyIdOf(key), sign: (bytes) => toHex(sign(null, bytes, privateKey)) }
}

function keyFile(folder: string, name: KeyName): string {
  return join(folder, `${name}.pem`)
}

function keysExist(file: string): CliError {
  return new CliError(
    'keys/exist',
    `${file} exists, and a key that apps may trust is never replaced. Choose another folder with --keys.`,
  )
}
