import { jsonBytes, sha256, type MetaFile } from '@afield/protocol'
import { makeKey, signedFile, type TestKey } from '../../protocol/support/signing.js'

export type Bytes = Uint8Array<ArrayBuffer>
/** What a repository serves, by path below its URL. */
export type Files = Map<string, Bytes>

/** A metadata file before it is signed: what it says, and who signs it. */
export interface Role {
  signed: Record<string, unknown> & { version: number }
  signers: readonly TestKey[]
}

/** A repository before it is signed. Tests change it as they like, or as an attacker would. */
export interface Draft {
  readonly keys: Readonly<Record<KeyName, TestKey>>
  roots: Role[]
  timestamp: Role
  snapshot: Role
  /** Top-level targets and delegated roles. */
  readonly roles: Map<string, Role>
  /** Documents by target path. */
  readonly documents: Map<string, Bytes>
}

const KEY_NAMES = ['root', 'timestamp', 'snapshot', 'targets', 'rollouts'] as const
export type KeyName = (typeof KEY_NAMES)[number]

const DAY = 86_400_000
/** Times as metadata writes them, seen from now: the other clients read the real clock. */
export const inDays = (days: number): string =>
  `${new Date(Date.now() + days * DAY).toISOString().slice(0, 19)}Z`

export function roleKeys(...keys: readonly TestKey[]) {
  return { keyids: keys.map(({ id }) => id), threshold: 1 }
}

/** A repository of one model, `m`, in the layout of `afield init`, each role with a key of its own. */
export async function makeDraft(): Promise<Draft> {
  const made = await Promise.all(KEY_NAMES.map(async (name) => [name, await makeKey()] as const))
  const keys = Object.fromEntries(made) as Record<KeyName, TestKey>
  const root = {
    ...head('root'),
    version: 1,
    consistent_snapshot: true,
    keys: keysById(keys.root, keys.timestamp, keys.snapshot, keys.targets),
    roles: {
      root: roleKeys(keys.root),
      timestamp: roleKeys(keys.timestamp),
      snapshot: roleKeys(keys.snapshot),
      targets: roleKeys(keys.targets),
    },
  }
  const delegations = {
    keys: keysById(keys.rollouts),
    roles: [{ name: 'rollouts', ...roleKeys(keys.rollouts), terminating: true, paths: ['rollouts/*.json'] }],
  }
  return {
    keys,
    roots: [{ signed: root, signers: [keys.root] }],
    timestamp: { signed: head('timestamp'), signers: [keys.timestamp] },
    snapshot: { signed: head('snapshot'), signers: [keys.snapshot] },
    roles: new Map<string, Role>([
      ['targets', { signed: { ...head('targets'), delegations }, signers: [keys.targets] }],
      ['rollouts', { signed: head('targets'), signers: [keys.rollouts] }],
    ]),
    documents: new Map([
      ['models/m.json', jsonBytes({ about: 'the index of m' })],
      ['rollouts/m.json', jsonBytes({ about: 'the rollout of m' })],
    ]),
  }
}

/** Everything but the root begins at version 5, so that there is something to roll back to. */
export function head(type: string) {
  return { _type: type, spec_version: '1.0.31', version: 5, expires: inDays(30) }
}

function keysById(...keys: readonly TestKey[]) {
  return Object.fromEntries(keys.map(({ id, key }) => [id, key]))
}

/** The same repository one version on, so far unsigned. */
export function nextOf(draft: Draft): Draft {
  const copy = ({ signed, signers }: Role): Role => ({ signed: structuredClone(signed), signers })
  const raised = (role: Role): Role => {
    const next = copy(role)
    next.signed.version += 1
    return next
  }
  return {
    keys: draft.keys,
    roots: draft.roots.map(copy),
    timestamp: raised(draft.timestamp),
    snapshot: raised(draft.snapshot),
    roles: new Map([...draft.roles].map(([name, role]) => [name, raised(role)])),
    documents: new Map(draft.documents),
  }
}

/** Adds root 2 with some more keys, and other keys for some roles, signed by the root's key. */
export function addRoot(
  draft: Draft,
  keys: readonly TestKey[] = [],
  roles: Readonly<Record<string, object>> = {},
): void {
  const signed: Record<string, unknown> = { ...draft.roots[0]?.signed }
  const changes = {
    version: 2,
    keys: { ...(signed['keys'] as object), ...keysById(...keys) },
    roles: { ...(signed['roles'] as object), ...roles },
  }
  draft.roots.push({ signed: { ...signed, ...changes }, signers: [draft.keys.root] })
}

/** Which role lists a document. */
const listedBy = (draft: Draft, path: string): string =>
  draft.roles.has(path.split('/')[0] ?? '') ? (path.split('/')[0] ?? '') : 'targets'

/** Signs a draft. What a role says of `targets` or `meta` itself stays; the rest is filled in. */
export async function filesOf(draft: Draft): Promise<Files> {
  const files: Files = new Map()
  for (const { signed, signers } of draft.roots) {
    files.set(`metadata/${signed.version}.root.json`, await signedFile(signed, ...signers))
  }
  const listed: Record<string, Record<string, unknown>> = {}
  for (const [path, bytes] of draft.documents) {
    const hash = await sha256(bytes)
    const slash = path.lastIndexOf('/') + 1
    files.set(`targets/${path.slice(0, slash)}${hash}.${path.slice(slash)}`, bytes)
    const role = (listed[listedBy(draft, path)] ??= {})
    role[path] = { length: bytes.length, hashes: { sha256: hash } }
  }
  const meta: Record<string, MetaFile> = {}
  for (const [name, { signed, signers }] of draft.roles) {
    const bytes = await signedFile({ targets: listed[name] ?? {}, ...signed }, ...signers)
    files.set(`metadata/${signed.version}.${name}.json`, bytes)
    meta[`${name}.json`] = await metaOf(signed.version, bytes)
  }
  const snapshot = await signedFile({ meta, ...draft.snapshot.signed }, ...draft.snapshot.signers)
  const { version } = draft.snapshot.signed
  files.set(`metadata/${version}.snapshot.json`, snapshot)
  const named = { 'snapshot.json': await metaOf(version, snapshot) }
  const timestamp = await signedFile({ meta: named, ...draft.timestamp.signed }, ...draft.timestamp.signers)
  files.set('metadata/timestamp.json', timestamp)
  return files
}

async function metaOf(version: number, bytes: Bytes): Promise<MetaFile> {
  return { version, length: bytes.length, hashes: { sha256: await sha256(bytes) } }
}
