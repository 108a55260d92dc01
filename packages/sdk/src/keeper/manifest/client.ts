import {
  AfieldError,
  TrustedManifest,
  checkBytes,
  parseModelIndex,
  parseRollout,
  checkRolloutChange,
  type ModelIndex,
  type Reference,
  type Rollout,
  type TargetFile,
} from '@afield/protocol'
import { memoryStore } from '../adapters/memory.js'
import { fetchBytes } from '../fetch-bytes.js'
import { pastDamagedCache } from '../past-cache.js'
import { reach, type Ports } from '../ports.js'
import { LIMITS, ROOT_PROBE_EVERY_MS } from './limits.js'
import { readStoredManifest, type StoredManifest } from './stored.js'

const KEY = 'manifest'

/** What the repository says about one model, verified. */
export interface ModelDocuments {
  readonly index: ModelIndex
  readonly rollout: Rollout | undefined
}

/** One consistent, verified state of the repository, as far as this device follows it. */
export interface Manifest {
  readonly version: number
  readonly expiresAt: number
  readonly checkedAt: number
  readonly models: ReadonlyMap<string, ModelDocuments>
}

/**
 * Follows a repository: verifies what is stored at every start, and checks for a newer state in the order of the
 * TUF client workflow. A check is all or nothing: what it accepted is written in one go at its end, so an
 * interrupted one leaves the state before it.
 */
export class ManifestClient {
  readonly #ports: Ports
  readonly #repository: string
  readonly #root: Uint8Array<ArrayBuffer>
  /** What was accepted and could not be stored still counts while this object lives. */
  #unstored: StoredManifest | undefined

  constructor(ports: Ports, repository: string, root: Uint8Array<ArrayBuffer>) {
    this.#ports = ports
    this.#repository = repository.endsWith('/') ? repository : `${repository}/`
    this.#root = root
  }

  /**
   * Verifies what is stored. Expired metadata is still believed here: a device that is offline for a year keeps
   * its model.
   *
   * @returns `undefined` when nothing is stored or what is stored does not verify, which the log then says.
   */
  async restore(): Promise<Manifest | undefined> {
    const stored = await this.#stored()
    if (!stored) return undefined
    try {
      const trusted = await this.#reload(stored)
      return await this.#read(trusted, stored)
    } catch (error) {
      if (!(error instanceof AfieldError)) throw error
      this.#ports.log('warn', 'The stored manifest no longer verifies and is fetched anew.', error)
      return undefined
    }
  }

  /**
   * Checks the repository for a newer state and stores what it accepted.
   *
   * @param models the models this device uses: their index and rollout are fetched too.
   * @throws AfieldError `manifest/*`, `rollout/invalid`, `storage/unavailable` or `aborted`; the stored state is then
   *   unchanged.
   */
  async check(models: readonly string[], signal?: AbortSignal): Promise<Manifest> {
    try {
      return await this.#check(models, 'when-due', signal)
    } catch (error) {
      if (!(error instanceof AfieldError) || error.code !== 'manifest/signature') throw error
      // The keys may have changed since a root was last looked for.
      return this.#check(models, 'now', signal)
    }
  }

  /**
   * Takes over the state that an app ships, where it is newer than what is stored.
   *
   * @returns the state, or `undefined` when what is stored is as new.
   */
  async adoptSeed(
    baseUrl: string,
    models: readonly string[],
    signal?: AbortSignal,
  ): Promise<Manifest | undefined> {
    // A service worker holds the app's own files and no others, so offline a root that is not there is out of reach.
    const orAbsent = async (url: string, init?: RequestInit): Promise<Response> => {
      try {
        return await this.#ports.fetch(url, init)
      } catch (error) {
        if (!url.endsWith('.root.json') || init?.signal?.aborted) throw error
        return new Response(null, { status: 404 })
      }
    }
    const ports = { ...this.#ports, fetch: orAbsent, state: memoryStore() }
    const seed = new ManifestClient(ports, baseUrl, this.#root)
    const manifest = await seed.check(models, signal)
    const held = await this.restore()
    const state = await seed.#stored()
    if (!state || (held && !isNews(held, manifest, models))) return undefined
    await this.#store(state)
    return manifest
  }

  async #check(
    models: readonly string[],
    probeRoot: 'when-due' | 'now',
    signal: AbortSignal | undefined,
  ): Promise<Manifest> {
    await reach(this.#ports, 'check/started')
    const now = this.#ports.clock.now()
    const stored = await this.#stored()
    const { trusted, before, held } = await this.#startFrom(stored)
    const roots = [...(before?.roots ?? [])]
    let rootProbedAt = before?.rootProbedAt ?? 0
    const due = now - rootProbedAt >= ROOT_PROBE_EVERY_MS || now < rootProbedAt
    if (due || probeRoot === 'now') {
      await this.#followRoots(trusted, roots, signal)
      rootProbedAt = now
    }
    await reach(this.#ports, 'check/root-accepted')
    trusted.checkRootExpiry(now)
    const heldTimestamp = trusted.timestampVersion
    const timestamp = await this.#metadata('timestamp.json', 'no-cache', signal, (bytes) =>
      trusted.acceptTimestamp(bytes, now),
    )
    await reach(this.#ports, 'check/timestamp-accepted')
    const unchanged = trusted.timestampVersion === heldTimestamp
    if (unchanged) trusted.checkExpiry(now)
    const next: StoredManifest =
      unchanged && before
        ? { ...before, roots, checkedAt: now, rootProbedAt }
        : {
            ...(await this.#acceptState(trusted, timestamp, now, signal)),
            roots,
            documents: {},
            checkedAt: now,
            rootProbedAt,
          }

    const documents = { ...next.documents }
    for (const model of this.#followed(before, models)) {
      for (const path of documentPaths(model)) {
        const bytes = await this.#document(trusted, path, before?.documents[path], signal)
        if (bytes) documents[path] = bytes
      }
    }
    const state: StoredManifest = { ...next, documents }
    const manifest = await this.#read(trusted, state)
    refuseMovedDevices(held, manifest)
    await reach(this.#ports, 'check/documents-verified')
    await this.#store(state)
    await reach(this.#ports, 'check/stored')
    return manifest
  }

  async #stored(): Promise<StoredManifest | undefined> {
    if (this.#unstored) return this.#unstored
    const value = await this.#ports.state.get(KEY)
    const stored = readStoredManifest(value)
    if (value !== undefined && !stored) {
      this.#ports.log('warn', 'The stored manifest is unreadable and is fetched anew.')
    }
    return stored
  }

  /** A device that cannot write still follows the repository; its next visit starts anew. */
  async #store(state: StoredManifest): Promise<void> {
    try {
      await this.#ports.state.write(new Map([[KEY, state]]))
      this.#unstored = undefined
    } catch (error) {
      if (!(error instanceof AfieldError)) throw error
      this.#ports.log(
        'warn',
        'The manifest is kept in memory for this visit, because storing it failed.',
        error,
      )
      this.#unstored = state
    }
  }

  #followed(before: StoredManifest | undefined, models: readonly string[]): readonly string[] {
    const known = Object.keys(before?.documents ?? {}).map((path) =>
      path.replace(/^(models|rollouts)\/|\.json$/g, ''),
    )
    return [...new Set([...models, ...known])]
  }

  /** The stored state where it verifies, else the bundled root alone. */
  async #startFrom(
    stored: StoredManifest | undefined,
  ): Promise<{ trusted: TrustedManifest; before: StoredManifest | undefined; held: Manifest | undefined }> {
    if (stored) {
      try {
        const trusted = await this.#reload(stored)
        return { trusted, before: stored, held: await this.#read(trusted, stored) }
      } catch (error) {
        if (!(error instanceof AfieldError)) throw error
        this.#ports.log('warn', 'The stored manifest no longer verifies and is fetched anew.', error)
      }
    }
    return { trusted: await TrustedManifest.fromRoot(this.#root), before: undefined, held: undefined }
  }

  async #reload(stored: StoredManifest): Promise<TrustedManifest> {
    const trusted = await TrustedManifest.fromRoot(this.#root)
    for (const root of stored.roots) await trusted.acceptRoot(root)
    await trusted.acceptTimestamp(stored.timestamp, 'at-rest')
    await trusted.acceptSnapshot(stored.snapshot, 'at-rest')
    for (const [role, bytes] of Object.entries(stored.roles))
      await trusted.acceptTargets(role, bytes, 'at-rest')
    return trusted
  }

  /** Root N+1, N+2, …: absent is the normal answer, and so is the page that a single-page-app host sends instead. */
  async #followRoots(
    trusted: TrustedManifest,
    roots: Uint8Array<ArrayBuffer>[],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    for (let i = 0; i < LIMITS.rootRotations; i++) {
      const file = `${trusted.rootVersion + 1}.root.json`
      const bytes = await this.#fetch(`metadata/${file}`, file, LIMITS.rootBytes, 'no-cache', signal)
      if (!bytes || !isJson(bytes)) return
      await trusted.acceptRoot(bytes)
      roots.push(bytes)
    }
  }

  async #acceptState(
    trusted: TrustedManifest,
    timestamp: Uint8Array<ArrayBuffer>,
    now: Reference,
    signal: AbortSignal | undefined,
  ): Promise<Pick<StoredManifest, 'timestamp' | 'snapshot' | 'roles'>> {
    const snapshotName = `${trusted.snapshotMeta?.version ?? 0}.snapshot.json`
    const snapshot = await this.#metadata(snapshotName, 'default', signal, (bytes) =>
      trusted.acceptSnapshot(bytes, now),
    )
    await reach(this.#ports, 'check/snapshot-accepted')
    const roles: Record<string, Uint8Array<ArrayBuffer>> = {}
    const accept = async (role: string): Promise<void> => {
      const name = `${trusted.targetsMeta(role)?.version ?? 0}.${role}.json`
      roles[role] = await this.#metadata(name, 'default', signal, (bytes) =>
        trusted.acceptTargets(role, bytes, now),
      )
    }
    await accept('targets')
    for (const role of trusted.delegatesFor(ROLLOUT_PROBE)) await accept(role.name)
    await reach(this.#ports, 'check/targets-accepted')
    return { timestamp, snapshot, roles }
  }

  async #document(
    trusted: TrustedManifest,
    path: string,
    held: Uint8Array<ArrayBuffer> | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const target = trusted.target(path)
    if (!target) return undefined
    if (held && (await isTarget(path, held, target))) return held
    const slash = path.indexOf('/')
    const url = `targets/${path.slice(0, slash)}/${target.hashes.sha256}.${path.slice(slash + 1)}`
    const limit = path.startsWith('models/') ? LIMITS.indexBytes : LIMITS.rolloutBytes
    return this.#verified(url, path, Math.min(limit, target.length), 'default', signal, (bytes) =>
      checkBytes(path, bytes, target),
    )
  }

  /** Reads the documents of a state; each is checked against the hash that the state's metadata gives it. */
  async #read(trusted: TrustedManifest, state: StoredManifest): Promise<Manifest> {
    const models = new Map<string, ModelDocuments>()
    for (const [path, bytes] of Object.entries(state.documents)) {
      const target = trusted.target(path)
      if (!target) continue
      await checkBytes(path, bytes, target)
      const [room, file = ''] = path.split('/')
      if (room !== 'models') continue
      const name = file.replace(/\.json$/, '')
      const rolloutPath = `rollouts/${name}.json`
      const rolloutTarget = trusted.target(rolloutPath)
      const rolloutBytes = state.documents[rolloutPath]
      if (rolloutTarget && !rolloutBytes) throw absent(rolloutPath)
      if (rolloutTarget && rolloutBytes) await checkBytes(rolloutPath, rolloutBytes, rolloutTarget)
      models.set(name, {
        index: parseModelIndex(bytes, name),
        rollout: rolloutTarget && rolloutBytes ? parseRollout(rolloutBytes, name) : undefined,
      })
    }
    return {
      version: trusted.version ?? 0,
      expiresAt: trusted.expiresAt,
      checkedAt: state.checkedAt,
      models,
    }
  }

  /** Fetches a metadata file and has it accepted. */
  #metadata(
    name: string,
    cache: RequestCache,
    signal: AbortSignal | undefined,
    accept: (bytes: Uint8Array<ArrayBuffer>) => Promise<unknown>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    return this.#verified(`metadata/${name}`, name, metadataLimit(name), cache, signal, accept)
  }

  async #verified(
    path: string,
    file: string,
    maxBytes: number,
    cache: RequestCache,
    signal: AbortSignal | undefined,
    verify: (bytes: Uint8Array<ArrayBuffer>) => Promise<unknown>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    return pastDamagedCache(cache, this.#ports.log, async (mode) => {
      const bytes = await this.#fetch(path, file, maxBytes, mode, signal)
      if (!bytes) throw absent(file)
      await verify(bytes)
      return bytes
    })
  }

  #fetch(
    path: string,
    file: string,
    maxBytes: number,
    cache: RequestCache,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return fetchBytes({
      fetch: this.#ports.fetch,
      clock: this.#ports.clock,
      url: this.#repository + path,
      file,
      maxBytes,
      unavailable: 'manifest/unavailable',
      tooLarge: 'manifest/too-large',
      timeoutMs: LIMITS.metadataTimeoutMs,
      cache,
      signal,
    })
  }
}

/** A path that whoever holds the rollouts role is delegated for; `*` is a legal file name and matches as such. */
const ROLLOUT_PROBE = 'rollouts/*.json'

/** A newer state, or the same one with a model that was not followed before. */
function isNews(held: Manifest, seed: Manifest, models: readonly string[]): boolean {
  if (seed.version !== held.version) return seed.version > held.version
  return models.some((model) => seed.models.has(model) && !held.models.has(model))
}

function metadataLimit(name: string): number {
  if (name === 'timestamp.json') return LIMITS.timestampBytes
  return name.endsWith('.snapshot.json') ? LIMITS.snapshotBytes : LIMITS.targetsBytes
}

function documentPaths(model: string): readonly string[] {
  return [`models/${model}.json`, `rollouts/${model}.json`]
}

async function isTarget(path: string, bytes: Uint8Array<ArrayBuffer>, target: TargetFile): Promise<boolean> {
  try {
    await checkBytes(path, bytes, target)
    return true
  } catch (error) {
    if (error instanceof AfieldError && error.code === 'manifest/hash-mismatch') return false
    throw error
  }
}

function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder().decode(bytes))
    return true
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}

function absent(file: string): AfieldError {
  return new AfieldError(
    'manifest/unavailable',
    `${file} is not in the repository. Check the repository's URL, and that its last deploy finished.`,
    { details: { file } },
  )
}

function refuseMovedDevices(before: Manifest | undefined, after: Manifest): void {
  for (const [model, { rollout }] of after.models) {
    const held = before?.models.get(model)?.rollout
    if (held && rollout) checkRolloutChange(held, rollout)
  }
}
