import {
  TrustedManifest,
  sha256,
  type AnyTargetFile,
  type MetaFile,
  type Reference,
  type RoleKeys,
  type Root,
} from '@afield/protocol'
import { makeKey, signedFile, type TestKey } from './signing.js'

export type Bytes = Uint8Array<ArrayBuffer>

/** The moment at which the tests look. */
export const NOW = Date.parse('2026-11-21T12:00:00Z')
export const PAST = '2026-11-21T11:59:59Z'
const FUTURE = '2026-12-21T12:00:00Z'

const ROLES = ['root', 'timestamp', 'snapshot', 'targets', 'rollouts'] as const
export type Role = (typeof ROLES)[number]
export type Keyring = Readonly<Record<Role, TestKey>>

/** A key of its own for each role. */
export async function makeKeyring(): Promise<Keyring> {
  const keys = await Promise.all(ROLES.map(makeKey))
  return Object.fromEntries(ROLES.map((role, i) => [role, keys[i]])) as unknown as Keyring
}

export function roleOf(...keys: readonly TestKey[]): RoleKeys {
  return { keyids: keys.map(({ id }) => id), threshold: 1 }
}

/** What the root says of a keyring, unless told otherwise. */
export function rootOf(keys: Keyring, changes: Partial<Root> = {}): Root {
  const { root, timestamp, snapshot, targets } = keys
  return {
    _type: 'root',
    spec_version: '1.0.33',
    version: 1,
    expires: FUTURE,
    consistent_snapshot: true,
    keys: Object.fromEntries(Object.values(keys).map(({ id, key }) => [id, key])),
    roles: {
      root: roleOf(root),
      timestamp: roleOf(timestamp),
      snapshot: roleOf(snapshot),
      targets: roleOf(targets),
    },
    ...changes,
  }
}

/** One state of a repository: all files below the root, each naming the next by version, length and hash. */
export interface State {
  readonly timestamp: Bytes
  readonly snapshot: Bytes
  readonly targets: Bytes
  readonly rollouts: Bytes
}

/** How a state differs from the plain one. `signed` takes the place of what would be signed in a file. */
export interface StateOptions {
  readonly versions?: Partial<Readonly<Record<keyof State, number>>>
  /** Who signs in place of the role's own key. */
  readonly signers?: Partial<Readonly<Record<keyof State, readonly TestKey[]>>>
  readonly signed?: Partial<Readonly<Record<keyof State, Readonly<Record<string, unknown>>>>>
}

/** Signs a state: by default everything has version 1, and `rollouts/*.json` is delegated to the role `rollouts`. */
export async function makeState(keys: Keyring, options: StateOptions = {}): Promise<State> {
  const write = (role: keyof State, body: Readonly<Record<string, unknown>>): Promise<Bytes> => {
    const signed = {
      _type: role === 'rollouts' ? 'targets' : role,
      spec_version: '1.0.33',
      version: options.versions?.[role] ?? 1,
      expires: FUTURE,
      ...body,
      ...options.signed?.[role],
    }
    return signedFile(signed, ...(options.signers?.[role] ?? [keys[role]]))
  }
  const meta = async (role: keyof State, bytes: Bytes): Promise<MetaFile> => ({
    version: options.versions?.[role] ?? 1,
    length: bytes.length,
    hashes: { sha256: await sha256(bytes) },
  })
  const rollouts = await write('rollouts', { targets: { 'rollouts/m.json': await target('a rollout') } })
  const targets = await write('targets', {
    targets: { 'models/m.json': await target('an index') },
    delegations: delegationsTo(keys.rollouts),
  })
  const snapshot = await write('snapshot', {
    meta: {
      'targets.json': await meta('targets', targets),
      'rollouts.json': await meta('rollouts', rollouts),
    },
  })
  const timestamp = await write('timestamp', { meta: { 'snapshot.json': await meta('snapshot', snapshot) } })
  return { timestamp, snapshot, targets, rollouts }
}

export function delegationsTo(...keys: readonly TestKey[]) {
  return {
    keys: Object.fromEntries(keys.map(({ id, key }) => [id, key])),
    roles: [{ name: 'rollouts', ...roleOf(...keys), terminating: true, paths: ['rollouts/*.json'] }],
  }
}

/** A device that starts from this root. */
export async function trust(keys: Keyring, changes: Partial<Root> = {}): Promise<TrustedManifest> {
  return TrustedManifest.fromRoot(await signedFile(rootOf(keys, changes), keys.root))
}

/** Takes a state in the order in which a device asks for its files. */
export async function follow(manifest: TrustedManifest, state: State, at: Reference = NOW): Promise<void> {
  await manifest.acceptTimestamp(state.timestamp, at)
  await manifest.acceptSnapshot(state.snapshot, at)
  await manifest.acceptTargets('targets', state.targets, at)
  await manifest.acceptTargets('rollouts', state.rollouts, at)
}

/** Searches among what was accepted. */
export function find(manifest: TrustedManifest, path: string): Promise<AnyTargetFile | undefined> {
  return manifest.find(path, (role) => {
    throw new Error(`${role} was not accepted.`)
  })
}

async function target(content: string) {
  const bytes = new TextEncoder().encode(content)
  return { length: bytes.length, hashes: { sha256: await sha256(bytes) } }
}
