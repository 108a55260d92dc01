import { AfieldError, TrustedManifest, parseJson, type AnyTargetFile, type Reference } from '@afield/protocol'
import type { Folder } from '../folder.js'
import type { Ports } from '../ports.js'
import type { Step } from '../steps.js'
import { LIMITS } from './limits.js'
import { notStored, type TrustRecord } from './stored.js'

type Bytes = Uint8Array<ArrayBuffer>

export interface UpdaterOptions {
  /** The root metadata that all trust starts from. */
  readonly root: Bytes
  /** What was accepted before; verified again here. */
  readonly record: TrustRecord | undefined
  /** Expiry is judged at this moment. */
  readonly reference: Reference
  /** Where metadata files come from; without one, only from the record. */
  readonly source?: Folder | undefined
  /** Called with the whole record after each file that is accepted. */
  readonly save?: (record: TrustRecord) => Promise<void>
  readonly log: Ports['log']
  readonly atStep?: Ports['atStep']
}

/**
 * The TUF client workflow (clause 5 of TUF 1.0.33): root, timestamp, snapshot and targets in that order, each
 * accepted by {@link TrustedManifest} and then saved. Delegated roles are fetched only when a search needs them, and
 * only when the snapshot says that they changed. Knows nothing of models.
 */
export class Updater {
  readonly #options: UpdaterOptions
  readonly #trusted: TrustedManifest
  #record: TrustRecord
  #intact = true
  readonly #usedRoles = new Set<string>()

  private constructor(options: UpdaterOptions, trusted: TrustedManifest, record: TrustRecord) {
    this.#options = options
    this.#trusted = trusted
    this.#record = record
  }

  /**
   * Verifies the record from the root on, whatever its expiry. Files that do not verify are left out, which the log
   * says.
   *
   * @throws AfieldError `manifest/*` when the root itself is none.
   */
  static async open(options: UpdaterOptions): Promise<Updater> {
    const { root, record, log } = options
    const trusted = await TrustedManifest.fromRoot(root)
    const updater = new Updater(options, trusted, { roots: [], roles: record?.roles ?? {} })
    if (!record) return updater
    try {
      await updater.#reload(record)
    } catch (error) {
      if (!(error instanceof AfieldError)) throw error
      log('warn', 'The stored manifest no longer verifies and is fetched anew.', error)
      updater.#intact = false
    }
    return updater
  }

  get trusted(): TrustedManifest {
    return this.#trusted
  }

  /** Whether the record that this was opened with verified. */
  get intact(): boolean {
    return this.#intact
  }

  /** What was accepted, with those roles only that a search has asked since this was opened. */
  get record(): TrustRecord {
    const roles = Object.entries(this.#record.roles).filter(([role]) => this.#usedRoles.has(role))
    return { ...this.#record, roles: Object.fromEntries(roles) }
  }

  /**
   * Brings root (if asked to), timestamp, snapshot and top-level targets up to date.
   *
   * @throws AfieldError `manifest/*` or `aborted`; what was accepted up to there is saved.
   */
  async refresh({ probeRoot }: { readonly probeRoot: boolean }): Promise<void> {
    const { reference } = this.#options
    if (probeRoot) await this.#followRoots()
    this.#trusted.checkRootExpiry(reference)
    await this.#refreshTimestamp()
    await this.#refreshSnapshot()
    this.#trusted.checkExpiry(reference)
    await this.#loadRole('targets', 'root')
  }

  /** Length and digests of a target by its path; `undefined` when nobody who may lists it. */
  find(path: string): Promise<AnyTargetFile | undefined> {
    this.#usedRoles.add('targets')
    return this.#trusted.find(path, (role, delegator) => this.#loadRole(role, delegator))
  }

  async #reload({ roots, timestamp, snapshot }: TrustRecord): Promise<void> {
    for (const root of roots) {
      // An app that ships a newer root now has these behind it.
      if (rootVersionOf(root) <= this.#trusted.rootVersion) continue
      await this.#trusted.acceptRoot(root)
      this.#record = { ...this.#record, roots: [...this.#record.roots, root] }
    }
    if (timestamp) {
      await this.#trusted.acceptTimestamp(timestamp, 'at-rest')
      this.#record = { ...this.#record, timestamp }
    }
    if (!snapshot) return
    try {
      await this.#trusted.acceptSnapshot(snapshot, 'at-rest')
    } catch (error) {
      if (!(error instanceof AfieldError)) throw error
      // An interrupted refresh left a newer timestamp than snapshot.
      await this.#trusted.rememberSnapshot(snapshot)
    }
    this.#record = { ...this.#record, snapshot }
  }

  /** Root N+1, N+2, …: absent is the normal answer, and so is the page that a single-page-app host sends instead. */
  async #followRoots(): Promise<void> {
    for (let i = 0; i < LIMITS.rootRotations; i++) {
      const file = `${this.#trusted.rootVersion + 1}.root.json`
      const bytes = await this.#probe(file)
      if (!bytes || !isJson(bytes, file)) return
      await this.#trusted.acceptRoot(bytes)
      const roots = [...this.#record.roots, bytes]
      const { timestamp, snapshot, roles } = this.#record
      // 5.3.11: what the old keys signed is gone with them.
      const kept = this.#trusted.timestampVersion === undefined ? {} : { timestamp, snapshot }
      await this.#save({ roots, roles, ...kept }, 'check/root-accepted')
    }
  }

  async #probe(file: string): Promise<Bytes | undefined> {
    const request = { path: file, file, maxBytes: LIMITS.rootBytes, cache: 'no-cache' } as const
    try {
      return await this.#options.source?.fetch(request)
    } catch (error) {
      if (!(error instanceof AfieldError)) throw error
      if (error.code === 'manifest/too-large') return undefined
      // Offline, a service worker holds the files of a seed and nothing that tells of others.
      if (error.code === 'manifest/unavailable' && this.#options.reference === 'at-rest') return undefined
      throw error
    }
  }

  async #refreshTimestamp(): Promise<void> {
    const held = this.#trusted.timestampVersion
    const timestamp = await this.#fetch('timestamp.json', LIMITS.timestampBytes, 'no-cache', (bytes) =>
      this.#trusted.acceptTimestamp(bytes, this.#options.reference),
    )
    if (this.#trusted.timestampVersion === held) return
    await this.#save({ ...this.#record, timestamp }, 'check/timestamp-accepted')
  }

  async #refreshSnapshot(): Promise<void> {
    if (this.#trusted.complete) return
    const { version = 0, length = LIMITS.snapshotBytes } = this.#trusted.snapshotMeta ?? {}
    const maxBytes = Math.min(length, LIMITS.snapshotBytes)
    const snapshot = await this.#fetchNumbered('snapshot', version, maxBytes, (bytes) =>
      this.#trusted.acceptSnapshot(bytes, this.#options.reference),
    )
    await this.#save({ ...this.#record, snapshot }, 'check/snapshot-accepted')
  }

  async #loadRole(role: string, delegator: string): Promise<void> {
    this.#usedRoles.add(role)
    const accept = (bytes: Bytes): Promise<void> =>
      this.#trusted.acceptTargets(role, bytes, this.#options.reference, delegator)
    if (await this.#acceptHeld(role, accept)) return
    const { version = 0, length = LIMITS.targetsBytes } = this.#trusted.targetsMeta(role) ?? {}
    const bytes = await this.#fetchNumbered(role, version, Math.min(length, LIMITS.targetsBytes), accept)
    const roles = { ...this.#record.roles, [role]: bytes }
    await this.#save({ ...this.#record, roles }, 'check/targets-accepted')
  }

  async #acceptHeld(role: string, accept: (bytes: Bytes) => Promise<void>): Promise<boolean> {
    const held = Object.hasOwn(this.#record.roles, role) ? this.#record.roles[role] : undefined
    if (!held) return false
    try {
      await accept(held)
      return true
    } catch (error) {
      if (!(error instanceof AfieldError) || error.code === 'manifest/expired') throw error
      return false
    }
  }

  async #save(record: TrustRecord, step: Step): Promise<void> {
    this.#record = record
    await this.#options.save?.(record)
    await this.#options.atStep?.(step)
  }

  #fetchNumbered(
    role: string,
    version: number,
    maxBytes: number,
    accept: (bytes: Bytes) => Promise<unknown>,
  ): Promise<Bytes> {
    return this.#trusted.consistentSnapshot
      ? this.#fetch(`${version}.${role}.json`, maxBytes, 'default', accept)
      : this.#fetch(`${role}.json`, maxBytes, 'no-cache', accept)
  }

  async #fetch(
    file: string,
    maxBytes: number,
    cache: RequestCache,
    accept: (bytes: Bytes) => Promise<unknown>,
  ): Promise<Bytes> {
    const { source } = this.#options
    if (!source) throw notStored(file)
    // A role's name may hold anything; in a URL it is one segment.
    return source.verified({ path: encodeURIComponent(file), file, maxBytes, cache }, async (bytes) => {
      await accept(bytes)
      return bytes
    })
  }
}

/** The version that a stored root claims; it counts only once the root is accepted. */
function rootVersionOf(bytes: Bytes): number {
  const root = parseJson(bytes, 'manifest/invalid', 'root.json') as { signed?: { version?: number } } | null
  return root?.signed?.version ?? 0
}

function isJson(bytes: Bytes, file: string): boolean {
  try {
    parseJson(bytes, 'manifest/invalid', file)
    return true
  } catch (error) {
    if (error instanceof AfieldError) return false
    throw error
  }
}
