import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import process from 'node:process'
import { keyIdOf, toHex, type Key } from '@afield/protocol'
import { diskRefusal } from '../../disk.js'
import { CliError } from '../../errors.js'
import { hasCode } from '../../read-file.js'
import { withPassphrase } from './passphrase.js'

/** A private key that can sign, with its public half as metadata lists it. */
export interface SigningKey {
  readonly file: string
  /** Whether a passphrase protects the file. */
  readonly encrypted: boolean
  readonly keyId: string
  readonly key: Key
  /** The signature in hex: 64 bytes of Ed25519, or ECDSA in DER. */
  sign(bytes: Uint8Array): string
}

/** The public halves, as metadata lists them. */
export function publicKeys(keys: readonly SigningKey[]): Record<string, Key> {
  return Object.fromEntries(keys.map(({ keyId, key }) => [keyId, key]))
}

export type KeyKind = 'ed25519' | 'ecdsa'

/**
 * Makes a key: a PKCS#8 PEM file that only its owner can read, encrypted where there is a passphrase.
 *
 * @throws CliError `keys/exist` rather than replace a key that devices may trust.
 */
export async function createKeyFile(
  file: string,
  kind: KeyKind,
  passphrase: string | undefined,
): Promise<SigningKey> {
  const { privateKey } =
    kind === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const encryption = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase }
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem', ...encryption })
  try {
    await writeFile(file, pem, { mode: 0o600, flag: 'wx', flush: true })
  } catch (error) {
    if (hasCode(error, 'EEXIST')) throw keysExist(file)
    // The file is this call's own; a full disk may have taken a part of it.
    await rm(file, { force: true }).catch(() => {})
    throw diskRefusal(error, file) ?? error
  }
  return signingKey(file, privateKey, passphrase !== undefined)
}

/** @throws CliError `keys/exposed`, `keys/passphrase` or `keys/wrong`. */
export async function readKeyFile(file: string): Promise<SigningKey> {
  await refuseExposed(file)
  const pem = await readFile(file, 'utf8')
  const encrypted = pem.includes('-----BEGIN ENCRYPTED PRIVATE KEY-----')
  const open = (passphrase: string): KeyObject => createPrivateKey({ key: pem, passphrase })
  const privateKey = encrypted ? await withPassphrase(file, open) : parsePlain(file, pem)
  return signingKey(file, privateKey, encrypted)
}

export function keysExist(file: string): CliError {
  return new CliError(
    'keys/exist',
    `${file} exists, and a key that apps may trust is never replaced. Choose another folder with --keys.`,
  )
}

/** Like ssh: what others on this machine can read counts as given away. Windows keeps no such bits. */
async function refuseExposed(file: string): Promise<void> {
  if (process.platform === 'win32') return
  const mode = (await stat(file)).mode & 0o777
  if ((mode & 0o077) === 0) return
  throw new CliError(
    'keys/exposed',
    `${file} can be read by others on this machine (mode ${mode.toString(8)}). If nobody has, close it with:\n` +
      `  chmod 600 ${file}\nIf somebody may have, replace the key with: afield rotate`,
  )
}

function parsePlain(file: string, pem: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch (cause) {
    throw new CliError(
      'keys/wrong',
      `${file} is not a private key in PEM form. Restore it from its backup.`,
      { cause },
    )
  }
}

async function signingKey(file: string, privateKey: KeyObject, encrypted: boolean): Promise<SigningKey> {
  const key = publicKey(file, privateKey)
  const algorithm = key.keytype === 'ed25519' ? null : 'sha256'
  return {
    file,
    encrypted,
    key,
    keyId: await keyIdOf(key),
    sign: (bytes) => toHex(sign(algorithm, bytes, privateKey)),
  }
}

function publicKey(file: string, privateKey: KeyObject): Key {
  const half = createPublicKey(privateKey)
  if (privateKey.asymmetricKeyType === 'ed25519') {
    const raw = Buffer.from(half.export({ format: 'jwk' }).x ?? '', 'base64url')
    return { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: toHex(raw) } }
  }
  if (privateKey.asymmetricKeyDetails?.namedCurve === 'prime256v1') {
    const pem = half.export({ type: 'spki', format: 'pem' }).toString()
    return { keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp256', keyval: { public: pem } }
  }
  throw new CliError('keys/wrong', `${file} is neither an Ed25519 key nor an ECDSA key on P-256.`)
}
