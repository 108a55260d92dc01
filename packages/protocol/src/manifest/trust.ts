import { AfieldError } from '../errors.js'
import { sha256 } from '../bytes.js'
import { verifyThreshold } from './keys.js'
import {
  RootSchema,
  SnapshotSchema,
  TargetsSchema,
  TimestampSchema,
  expiryOf,
  parseMetadata,
  type DelegatedRole,
  type MetaFile,
  type Root,
  type RoleKeys,
  type Snapshot,
  type TargetFile,
  type Targets,
  type Timestamp,
} from './metadata.js'

/** The moment a decision is made at, in ms since 1970; `at-rest` when what was accepted once is only reloaded. */
export type Reference = number | 'at-rest'

/**
 * What a device believes of a repository: metadata accepted step by step, each step in the order and with the
 * checks of the TUF client workflow (clause numbers of TUF 1.0.33 in the methods). Holds no I/O: bytes come in
 * from a network or from a store and are judged the same way.
 */
export class TrustedManifest {
  #root: Root
  #timestamp: Timestamp | undefined
  #snapshot: Snapshot | undefined
  readonly #targets = new Map<string, Targets>()

  private constructor(root: Root) {
    this.#root = root
  }

  /**
   * Starts from the root that the app ships (5.2).
   *
   * @throws AfieldError `manifest/signature` when it is not signed by its own keys.
   */
  static async fromRoot(bytes: Uint8Array): Promise<TrustedManifest> {
    const root = parseMetadata(RootSchema, bytes, 'root.json')
    await verifyThreshold('root.json', root, root.signed.roles.root, root.signed.keys)
    return new TrustedManifest(root.signed)
  }

  get rootVersion(): number {
    return this.#root.version
  }

  get timestampVersion(): number | undefined {
    return this.#timestamp?.version
  }

  /** The version of the whole repository: every publish and every rollout change raises it. */
  get version(): number | undefined {
    return this.#snapshot?.version
  }

  /** When the first of the accepted files expires, in ms since 1970. */
  get expiresAt(): number {
    const files = [this.#root, this.#timestamp, this.#snapshot, ...this.#targets.values()]
    return Math.min(...files.filter((file) => file !== undefined).map(expiryOf))
  }

  /** What `snapshot.json` must be, by the accepted timestamp. */
  get snapshotMeta(): MetaFile | undefined {
    return this.#timestamp?.meta['snapshot.json']
  }

  /** What a targets file must be, by the accepted snapshot. */
  targetsMeta(role: string): MetaFile | undefined {
    return this.#snapshot?.meta[`${role}.json`]
  }

  /** Accepts root N+1: signed by a threshold of the old keys and of its own, and exactly one version on (5.3). */
  async acceptRoot(bytes: Uint8Array): Promise<void> {
    const next = parseMetadata(RootSchema, bytes, 'root.json')
    await verifyThreshold('root.json', next, this.#root.roles.root, this.#root.keys) // 5.3.4
    await verifyThreshold('root.json', next, next.signed.roles.root, next.signed.keys)
    if (next.signed.version !== this.#root.version + 1) {
      throw rollback('root.json', next.signed.version, this.#root.version + 1) // 5.3.5
    }
    const rotated = (role: 'timestamp' | 'snapshot'): boolean =>
      JSON.stringify(keysOf(this.#root, role)) !== JSON.stringify(keysOf(next.signed, role))
    // 5.3.11: new keys recover from a fast-forward attack, so what the old keys counted up to is forgotten.
    if (rotated('timestamp') || rotated('snapshot')) {
      this.#timestamp = undefined
      this.#snapshot = undefined
    }
    this.#root = next.signed
  }

  /** Refuses an expired root once the newest is known (5.3.10). */
  checkRootExpiry(reference: Reference): void {
    checkExpiry('root.json', this.#root, reference)
  }

  /** Refuses when anything held has expired: an unchanged timestamp does not prolong what it names. */
  checkExpiry(reference: Reference): void {
    this.checkRootExpiry(reference)
    if (this.#timestamp) checkExpiry('timestamp.json', this.#timestamp, reference)
    if (this.#snapshot) checkExpiry('snapshot.json', this.#snapshot, reference)
    for (const [role, targets] of this.#targets) checkExpiry(`${role}.json`, targets, reference)
  }

  /** Accepts `timestamp.json` (5.4); `unchanged` when it is the one already held. */
  async acceptTimestamp(bytes: Uint8Array, reference: Reference): Promise<'accepted' | 'unchanged'> {
    const next = parseMetadata(TimestampSchema, bytes, 'timestamp.json')
    await verifyThreshold('timestamp.json', next, this.#root.roles.timestamp, this.#root.keys) // 5.4.2
    const held = this.#timestamp
    if (held) {
      if (next.signed.version < held.version) {
        throw rollback('timestamp.json', next.signed.version, held.version) // 5.4.3.1
      }
      if (next.signed.version === held.version) {
        checkExpiry('timestamp.json', held, reference)
        return 'unchanged'
      }
      const heldSnapshot = held.meta['snapshot.json'].version
      const nextSnapshot = next.signed.meta['snapshot.json'].version
      if (nextSnapshot < heldSnapshot) throw rollback('snapshot.json', nextSnapshot, heldSnapshot) // 5.4.3.2
    }
    checkExpiry('timestamp.json', next.signed, reference) // 5.4.4
    this.#timestamp = next.signed
    return 'accepted'
  }

  /** Accepts the snapshot that the timestamp names (5.5). */
  async acceptSnapshot(bytes: Uint8Array<ArrayBuffer>, reference: Reference): Promise<void> {
    const meta = this.#timestamp?.meta['snapshot.json']
    if (!meta) throw new AfieldError('manifest/invalid', 'A snapshot came before its timestamp.')
    await checkBytes('snapshot.json', bytes, meta) // 5.5.2
    const next = parseMetadata(SnapshotSchema, bytes, 'snapshot.json')
    await verifyThreshold('snapshot.json', next, this.#root.roles.snapshot, this.#root.keys) // 5.5.3
    checkVersion('snapshot.json', next.signed.version, meta.version) // 5.5.4
    for (const [file, held] of Object.entries(this.#snapshot?.meta ?? {})) {
      const version = next.signed.meta[file]?.version ?? 0
      if (version < held.version) throw rollback(file, version, held.version) // 5.5.5
    }
    checkExpiry('snapshot.json', next.signed, reference) // 5.5.6
    this.#snapshot = next.signed
  }

  /** Accepts the top-level targets or a role that they delegate to (5.6). */
  async acceptTargets(role: string, bytes: Uint8Array<ArrayBuffer>, reference: Reference): Promise<void> {
    const file = `${role}.json`
    const meta = this.targetsMeta(role)
    if (!meta) throw new AfieldError('manifest/invalid', `${file} is not in the accepted snapshot.`)
    await checkBytes(file, bytes, meta) // 5.6.2
    const next = parseMetadata(TargetsSchema, bytes, file)
    const { roleKeys, keys } = this.#keysFor(role)
    await verifyThreshold(file, next, roleKeys, keys) // 5.6.3
    checkVersion(file, next.signed.version, meta.version) // 5.6.4
    checkExpiry(file, next.signed, reference) // 5.6.5
    this.#targets.set(role, next.signed)
  }

  /** The delegated roles that may speak for a path, in the order they are asked (5.6.7). */
  delegatesFor(path: string): readonly DelegatedRole[] {
    const roles = this.#targets.get('targets')?.delegations?.roles ?? []
    const asked: DelegatedRole[] = []
    for (const role of roles) {
      if (!role.paths.some((pattern) => matchesPath(pattern, path))) continue
      asked.push(role)
      if (role.terminating) break
    }
    return asked
  }

  /** Hash and length of a target, or `undefined` when no role lists it. */
  target(path: string): TargetFile | undefined {
    const top = this.#targets.get('targets')?.targets[path]
    if (top) return top
    for (const role of this.delegatesFor(path)) {
      const found = this.#targets.get(role.name)?.targets[path]
      if (found) return found
    }
    return undefined
  }

  #keysFor(role: string): { roleKeys: RoleKeys; keys: Root['keys'] } {
    if (role === 'targets') return { roleKeys: this.#root.roles.targets, keys: this.#root.keys }
    const delegations = this.#targets.get('targets')?.delegations
    const delegated = delegations?.roles?.find((candidate) => candidate.name === role)
    if (!delegations || !delegated) {
      throw new AfieldError('manifest/invalid', `Nobody delegated to the role "${role}".`)
    }
    return { roleKeys: delegated, keys: delegations.keys }
  }
}

/**
 * Checks downloaded bytes against their promised length and hash.
 *
 * @throws AfieldError `manifest/hash-mismatch`.
 */
export async function checkBytes(
  file: string,
  bytes: Uint8Array<ArrayBuffer>,
  expected: {
    readonly length?: number | undefined
    readonly hashes?: { readonly sha256: string } | undefined
  },
): Promise<void> {
  const wrongLength = expected.length !== undefined && bytes.length !== expected.length
  if (wrongLength || (expected.hashes && (await sha256(bytes)) !== expected.hashes.sha256)) {
    throw new AfieldError(
      'manifest/hash-mismatch',
      `${file} is not the file that was signed (${bytes.length} bytes came). It was cut, changed or cached wrongly ` +
        'on the way; the next check tries again.',
      { details: { file, bytes: bytes.length } },
    )
  }
}

/** `*` matches within one path segment, as TUF's shell-style patterns do (4.5). */
function matchesPath(pattern: string, path: string): boolean {
  const want = pattern.split('/')
  const have = path.split('/')
  return (
    want.length === have.length &&
    want.every((segment, i) => {
      const source = segment
        .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
        .replaceAll('*', '.*')
        .replaceAll('?', '.')
      return new RegExp(`^${source}$`, 's').test(have[i] ?? '')
    })
  )
}

function keysOf(root: Root, role: 'timestamp' | 'snapshot'): readonly string[] {
  return [...root.roles[role].keyids].sort()
}

function checkVersion(file: string, version: number, expected: number): void {
  if (version === expected) return
  throw new AfieldError(
    'manifest/invalid',
    `${file} says version ${version} where ${expected} was promised: parts of two publishes are mixed.`,
    { details: { file, version, expected } },
  )
}

function checkExpiry(file: string, metadata: { readonly expires: string }, reference: Reference): void {
  if (reference === 'at-rest' || expiryOf(metadata) > reference) return
  throw new AfieldError(
    'manifest/expired',
    `${file} expired at ${metadata.expires}. What is on the device keeps serving; ` +
      'the team refreshes it with any publish or rollout command.',
    { details: { file, expires: metadata.expires } },
  )
}

function rollback(file: string, version: number, held: number): AfieldError {
  return new AfieldError(
    'manifest/rollback',
    `${file} went from version ${held} to ${version}. An old copy was served; it is ignored.`,
    { details: { file, version, held } },
  )
}
