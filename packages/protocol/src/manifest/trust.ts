import { AfieldError } from '../errors.js'
import { checkBytes, checkExpiry, checkVersion, own, rollback, type Reference } from './checks.js'
import { findTarget, roleKeysOf } from './delegation.js'
import { verifyThreshold } from './keys.js'
import {
  AnyTargetsSchema,
  RootSchema,
  SnapshotSchema,
  TimestampSchema,
  expiryOf,
  parseMetadata,
  type AnyTargetFile,
  type AnyTargets,
  type Key,
  type MetaFile,
  type Root,
  type RoleKeys,
  type Snapshot,
  type Timestamp,
} from './metadata.js'

type Bytes = Uint8Array<ArrayBuffer>

/** A targets file, and the roles whose delegation it was checked against: what one vouches for, another need not. */
interface Accepted {
  readonly targets: AnyTargets
  readonly delegators: Set<string>
}

/**
 * What a device believes of a repository: metadata accepted step by step, each step in the order and with the
 * checks of the TUF client workflow (clause numbers of TUF 1.0.33 in the methods). Holds no I/O: bytes come in
 * from a network or from a store and are judged the same way.
 */
export class TrustedManifest {
  #root: Root
  #timestamp: Timestamp | undefined
  /** The newest accepted; behind the timestamp until the one that it names is accepted. */
  #snapshot: Snapshot | undefined
  #complete = false
  readonly #targets = new Map<string, Accepted>()

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

  /** Whether files carry their version or hash in their names (6.2). */
  get consistentSnapshot(): boolean {
    return this.#root.consistent_snapshot
  }

  get timestampVersion(): number | undefined {
    return this.#timestamp?.version
  }

  /** The version of the whole repository: every publish and every rollout change raises it. */
  get version(): number | undefined {
    return this.#snapshot?.version
  }

  /** True once the snapshot that the timestamp names is accepted. */
  get complete(): boolean {
    return this.#complete
  }

  /** When the first of the accepted files expires, in ms since 1970. */
  get expiresAt(): number {
    const targets = [...this.#targets.values()].map((accepted) => accepted.targets)
    const files = [this.#root, this.#timestamp, this.#snapshot, ...targets]
    return Math.min(...files.filter((file) => file !== undefined).map(expiryOf))
  }

  /** What `snapshot.json` must be, by the accepted timestamp. */
  get snapshotMeta(): MetaFile | undefined {
    return this.#timestamp?.meta['snapshot.json']
  }

  /** What a targets file must be, by the snapshot that the accepted timestamp names. */
  targetsMeta(role: string): MetaFile | undefined {
    return this.#complete && this.#snapshot ? own(this.#snapshot.meta, `${role}.json`) : undefined
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
      keysOf(this.#root, role) !== keysOf(next.signed, role)
    // 5.3.11: new keys recover from a fast-forward attack, so what the old keys counted up to is forgotten.
    if (rotated('timestamp') || rotated('snapshot')) {
      this.#timestamp = undefined
      this.#snapshot = undefined
      this.#complete = false
    }
    this.#targets.clear()
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
    for (const [role, { targets }] of this.#targets) checkExpiry(`${role}.json`, targets, reference)
  }

  /** Accepts `timestamp.json` (5.4); `unchanged` when one of its version is already held. */
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
    this.#complete &&= JSON.stringify(held?.meta) === JSON.stringify(next.signed.meta)
    return 'accepted'
  }

  /** Accepts the snapshot that the timestamp names (5.5). */
  async acceptSnapshot(bytes: Bytes, reference: Reference): Promise<void> {
    const meta = this.snapshotMeta
    if (!meta) throw new AfieldError('manifest/invalid', 'A snapshot came before its timestamp.')
    await checkBytes('snapshot.json', bytes, meta) // 5.5.2
    const next = await this.#parseSnapshot(bytes) // 5.5.3
    checkVersion('snapshot.json', next.version, meta.version) // 5.5.4
    for (const [file, held] of Object.entries(this.#snapshot?.meta ?? {})) {
      const version = own(next.meta, file)?.version ?? 0
      if (version < held.version) throw rollback(file, version, held.version) // 5.5.5
    }
    checkExpiry('snapshot.json', next, reference) // 5.5.6
    this.#snapshot = next
    this.#complete = true
    this.#targets.clear()
  }

  /** Takes back the snapshot of an earlier refresh: the next one must not fall behind it, whatever the timestamp. */
  async rememberSnapshot(bytes: Bytes): Promise<void> {
    this.#snapshot = await this.#parseSnapshot(bytes)
    this.#complete = false
  }

  /**
   * Accepts the top-level targets or a role delegated to (5.6).
   *
   * @param delegator the role whose delegation is looked at; the top-level targets are the root's.
   */
  async acceptTargets(
    role: string,
    bytes: Bytes,
    reference: Reference,
    delegator = role === 'targets' ? 'root' : 'targets',
  ): Promise<void> {
    const file = `${role}.json`
    const meta = this.targetsMeta(role)
    if (!meta) throw new AfieldError('manifest/invalid', `${file} is not in the accepted snapshot.`)
    await checkBytes(file, bytes, meta) // 5.6.2
    const next = parseMetadata(AnyTargetsSchema, bytes, file)
    const { roleKeys, keys } = this.#keysFor(role, delegator)
    await verifyThreshold(file, next, roleKeys, keys) // 5.6.3
    checkVersion(file, next.signed.version, meta.version) // 5.6.4
    checkExpiry(file, next.signed, reference) // 5.6.5
    const held = this.#targets.get(role)
    if (JSON.stringify(held?.targets) === JSON.stringify(next.signed)) held?.delegators.add(delegator)
    else this.#targets.set(role, { targets: next.signed, delegators: new Set([delegator]) })
  }

  /**
   * Searches for a target depth first and in the order of the delegations, each role at most once (5.6.7).
   *
   * @param load has {@link acceptTargets} accept a role of a delegator; asked only for what the search needs and was
   *   not accepted yet.
   * @returns length and digests, or `undefined` when no role that may speak for the path lists it.
   */
  find(
    path: string,
    load: (role: string, delegator: string) => Promise<void>,
  ): Promise<AnyTargetFile | undefined> {
    return findTarget(path, async (role, delegator) => {
      // A role that the snapshot does not know ends the search (5.6.7.2.1).
      if (!this.targetsMeta(role)) return undefined
      if (!this.#targets.get(role)?.delegators.has(delegator)) await load(role, delegator)
      return this.#targets.get(role)?.targets
    })
  }

  async #parseSnapshot(bytes: Bytes): Promise<Snapshot> {
    const next = parseMetadata(SnapshotSchema, bytes, 'snapshot.json')
    await verifyThreshold('snapshot.json', next, this.#root.roles.snapshot, this.#root.keys)
    return next.signed
  }

  #keysFor(role: string, delegator: string): { roleKeys: RoleKeys; keys: Readonly<Record<string, Key>> } {
    if (role === 'targets') return { roleKeys: this.#root.roles.targets, keys: this.#root.keys }
    const delegations = this.#targets.get(delegator)?.targets.delegations
    const roleKeys = delegations && roleKeysOf(delegations, role)
    if (!roleKeys) throw new AfieldError('manifest/invalid', `Nobody delegated to the role "${role}".`)
    return { roleKeys, keys: delegations.keys }
  }
}

function keysOf(root: Root, role: 'timestamp' | 'snapshot'): string {
  return JSON.stringify([...root.roles[role].keyids].sort().map((id) => [id, own(root.keys, id)]))
}
