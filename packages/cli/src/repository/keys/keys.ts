import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import process from 'node:process'
import { CliError } from '../../errors.js'
import { isMissing, readIfThere } from '../../read-file.js'
import { createKeyFile, keysExist, readKeyFile, type SigningKey } from './key-file.js'
import {
  ROLES_OF,
  groupOf,
  keyFileName,
  parseKeyFileName,
  type KeyFileName,
  type KeyName,
  type KeyOwner,
} from './key-names.js'
import { refuseInside } from '../files/outside.js'

/** The private keys of a group that are at hand; a file is signed with each that its role lists. */
export interface Signer {
  readonly name: KeyName
  readonly keys: readonly SigningKey[]
}

/** The folder of the private keys: as given, else AFIELD_KEYS, else `<repository>.keys` beside the repository. */
export function keysFolder(repo: string, given: string | undefined): string {
  const folder = resolve(given ?? process.env['AFIELD_KEYS'] ?? `${resolve(repo)}.keys`)
  refuseInside(repo, folder, { name: 'keys', option: '--keys' })
  return folder
}

/** What a new key is for and how it signs. */
export interface KeyPlan {
  readonly owner: KeyOwner
  /** How many keys share the role. */
  readonly total: number
  /** Also an ECDSA key on P-256 each, for browsers without Ed25519. */
  readonly ecdsa: boolean
  readonly passphrase: string | undefined
}

/** @throws CliError `keys/exist`; none is replaced then, and those that were made are taken back. */
export async function createKeys(
  folder: string,
  { owner, total, ecdsa, passphrase }: KeyPlan,
  when: 'now' | 'next',
): Promise<readonly SigningKey[]> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const keys: SigningKey[] = []
  try {
    for (let i = 1; i <= total; i++) {
      const name: KeyFileName = {
        owner,
        number: total === 1 ? undefined : i,
        next: when === 'next',
        ecdsa: false,
      }
      keys.push(await createKeyFile(join(folder, keyFileName(name)), 'ed25519', passphrase))
      if (!ecdsa) continue
      keys.push(await createKeyFile(join(folder, keyFileName({ ...name, ecdsa: true })), 'ecdsa', passphrase))
    }
  } catch (error) {
    for (const { file } of keys) await rm(file, { force: true })
    throw error
  }
  return keys
}

/** @throws CliError `keys/exist` when the folder holds a key of any repository. */
export async function refuseExistingKeys(folder: string): Promise<void> {
  const [first] = await keyFiles(folder)
  if (first) throw keysExist(join(folder, keyFileName(first)))
}

/** @throws CliError `keys/missing`, `keys/exposed`, `keys/passphrase` or `keys/wrong`. */
export async function readKey(folder: string, name: KeyName): Promise<Signer> {
  const signer = await findKeys(folder, name)
  if (signer.keys.length > 0) return signer
  const roles = ROLES_OF[name].join('.pem, ')
  throw new CliError(
    'keys/missing',
    `There is no ${name} key in ${folder} (${name}.pem, or ${roles}.pem). ` +
      'Name the folder that holds it with --keys or AFIELD_KEYS.',
  )
}

/**
 * Like {@link readKey}, with no keys where there are none. The keys of an unfinished rotation are passed over where
 * their passphrase is another: until it is finished, the others do.
 */
export async function findKeys(folder: string, name: KeyName): Promise<Signer> {
  const keys: SigningKey[] = []
  for (const file of await keyFiles(folder)) {
    if (groupOf(file.owner) === name) keys.push(...(await readAtHand(folder, file)))
  }
  return { name, keys }
}

async function readAtHand(folder: string, file: KeyFileName): Promise<readonly SigningKey[]> {
  try {
    return [await readKeyFile(join(folder, keyFileName(file)))]
  } catch (error) {
    if (file.next && error instanceof CliError && error.code === 'keys/passphrase') return []
    throw error
  }
}

/** The keys that an unfinished rotation of an owner made. */
export async function findNextKeys(folder: string, owner: KeyOwner): Promise<readonly SigningKey[]> {
  const files = (await keyFiles(folder)).filter((file) => file.next && file.owner === owner)
  return Promise.all(files.map((file) => readKeyFile(join(folder, keyFileName(file)))))
}

/**
 * Ends a rotation in a keys folder: keys that the repository no longer trusts go to `retired/`, where nothing uses
 * and nothing deletes them; those that it trusts by now take their final names, which must be free.
 *
 * @param open keys that need not be read again: their passphrase may be another than the one at hand.
 */
export async function settleKeyFiles(
  folder: string,
  trusted: ReadonlySet<string>,
  open: readonly SigningKey[] = [],
): Promise<void> {
  const all: { readonly file: KeyFileName; readonly key: SigningKey }[] = []
  for (const file of await keyFiles(folder)) {
    const known = open.find((key) => key.file === join(folder, keyFileName(file)))
    for (const key of known ? [known] : await readAtHand(folder, file)) all.push({ file, key })
  }
  const arrived = all.filter(({ file, key }) => file.next && trusted.has(key.keyId))
  if (arrived.length === 0) return
  for (const { file, key } of all) {
    if (!file.next && !trusted.has(key.keyId)) await retire(key)
  }
  for (const { file, key } of arrived) {
    const goal = join(folder, keyFileName({ ...file, next: false }))
    if (!(await readIfThere(goal))) await rename(key.file, goal)
  }
}

async function retire({ file, keyId }: SigningKey): Promise<void> {
  const folder = join(dirname(file), 'retired')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await rename(file, join(folder, basename(file).replace(/\.pem$/, `-${keyId.slice(0, 12)}.pem`)))
}

/** The keys at hand are some other repository's. */
export function foreignKey(role: string): CliError {
  return new CliError(
    'keys/wrong',
    `None of the keys at hand is one that this repository trusts for its ${role} metadata. ` +
      'Is --keys the folder that was made with this repository?',
  )
}

async function keyFiles(folder: string): Promise<readonly KeyFileName[]> {
  try {
    return (await readdir(folder)).sort().flatMap((name) => parseKeyFileName(name) ?? [])
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}
