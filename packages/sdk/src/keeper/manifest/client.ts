import { AfieldError, asAfieldError, type ModelIndex, type Reference } from '@afield/protocol'
import { Folder, asFolder } from '../folder.js'
import type { Ports } from '../ports.js'
import {
  documentsFor,
  fromRepository,
  modelsOf,
  readIndex,
  readRollout,
  refuseMovedDevices,
  type ModelDocuments,
  type ReadDocument,
} from './documents.js'
import { headOf, verifyStored, type Head, type Held, type Verified } from './held.js'
import { METADATA, ROOT_PROBE_EVERY_MS } from './limits.js'
import { ManifestRecords, type StoredManifest, type StoredState, type TrustRecord } from './stored.js'
import { Updater } from './updater.js'

export type { ModelDocuments } from './documents.js'

/** One verified state of the repository, as far as this device follows it. */
export interface Manifest extends Head {
  readonly checkedAt: number
  readonly models: ReadonlyMap<string, ModelDocuments>
  /**
   * Models of which newer documents were refused, and why; {@link models} has their last good ones, if any. Where only
   * the rollout was refused, the newer index counts with the rollout before it: what it revokes is revoked.
   */
  readonly failures: ReadonlyMap<string, AfieldError>
}

interface Look {
  readonly baseUrl: string
  /** `now` judges expiry; `at-rest` does not, as for what is stored. */
  readonly reference: Reference
  readonly probeRoot: boolean
  readonly signal: AbortSignal | undefined
}

/**
 * Follows a repository: verifies what is stored at every start, and looks for a newer state. Metadata counts against
 * rollback from the moment it is accepted; what serves changes only when a check is complete.
 */
export class ManifestClient {
  readonly #ports: Ports
  readonly #repository: string
  readonly #root: Uint8Array<ArrayBuffer>
  readonly #records: ManifestRecords

  constructor(ports: Ports, repository: string, root: Uint8Array<ArrayBuffer>) {
    this.#ports = ports
    this.#repository = repository
    this.#root = root
    this.#records = new ManifestRecords(ports)
  }

  /**
   * Verifies what is stored. Expired metadata is still believed here: a device that is offline for a year keeps
   * its model.
   *
   * @returns `undefined` when nothing is stored or what is stored does not verify, which the log then says.
   */
  async restore(): Promise<Manifest | undefined> {
    const stored = await this.#records.manifest()
    if (!stored) return undefined
    const { head, held } = await this.#verified(stored)
    const models = new Map([...held].map(([model, { documents }]) => [model, documents]))
    return head && { ...head, checkedAt: stored.checkedAt, models, failures: new Map() }
  }

  /**
   * Checks the repository for a newer state and stores what it accepted. A model whose new documents are refused keeps
   * its last good ones and is told in `failures`; the others follow, and so does its index where only its rollout is
   * refused.
   *
   * @param models the models this device uses: their index and rollout are fetched too.
   * @throws AfieldError `manifest/*` or `aborted`, and the first of the failures when no model could follow; what
   *   served before is then unchanged.
   */
  async check(models: readonly string[], signal?: AbortSignal): Promise<Manifest> {
    const now = this.#ports.clock.now()
    const look = { baseUrl: this.#repository, reference: now, signal }
    await this.#ports.atStep?.('check/started')
    const probedAt = (await this.#records.manifest())?.rootProbedAt ?? 0
    const probeRoot = now - probedAt >= ROOT_PROBE_EVERY_MS || now < probedAt
    try {
      return await this.#look(models, { ...look, probeRoot })
    } catch (error) {
      if (probeRoot || !mayNeedRoot(error)) throw error
      return this.#look(models, { ...look, probeRoot: true })
    }
  }

  /**
   * Takes a seed: a part of a repository that an app ships among its own files, in the layout of a repository. It is
   * accepted as a repository is, but for its age, and never goes below what is stored or was accepted before.
   *
   * @param baseUrl the URL of the seed's folder.
   * @returns `undefined` when the seed is older than what this device knows, or holds nothing that verifies, which the
   *   log then says.
   * @throws AfieldError `aborted`.
   */
  async adoptSeed(
    baseUrl: string,
    models: readonly string[],
    signal?: AbortSignal,
  ): Promise<Manifest | undefined> {
    try {
      return await this.#look(models, { baseUrl, reference: 'at-rest', probeRoot: true, signal })
    } catch (error) {
      if (!(error instanceof AfieldError) || error.code === 'aborted') throw error
      const older = error.code === 'manifest/rollback'
      this.#ports.log(
        older ? 'debug' : 'warn',
        older
          ? 'The seed is older than what this device knows.'
          : 'The seed that the app ships could not be used.',
        error,
      )
      return undefined
    }
  }

  async #look(models: readonly string[], look: Look): Promise<Manifest> {
    const { reference } = look
    const stored = await this.#records.manifest()
    const held = stored ? (await this.#verified(stored)).held : new Map<string, Held>()
    const updater = await this.#refreshed(stored, look)

    const states = stored ? [stored, ...stored.kept] : []
    const readTarget = fromRepository(this.#folder('targets', look), states)
    const followed = new Set([...models, ...states.flatMap(({ documents }) => modelsOf(documents))])
    const next = new Map<string, ModelDocuments>()
    const failures = new Map<string, AfieldError>()
    const documents: Record<string, Uint8Array<ArrayBuffer>> = {}
    const lastGood = new Map<string, readonly StoredState[]>()
    let follows = followed.size === 0
    for (const model of followed) {
      const before = held.get(model)
      const fail = (cause: unknown): void => {
        const error = asAfieldError(cause, 'internal/unexpected', `The documents of "${model}" were not read`)
        if (error.code === 'aborted') throw error
        failures.set(model, error)
      }
      const stays = (cause: unknown): void => {
        fail(cause)
        if (before) next.set(model, before.documents)
        lastGood.set(model, before?.vouchers ?? [])
      }
      let index: ReadDocument<ModelIndex> | undefined
      try {
        index = await readIndex(model, updater, readTarget)
      } catch (cause) {
        stays(cause)
        continue
      }
      follows ||= !index
      if (!index) continue
      try {
        const rollout = await readRollout(model, updater, readTarget)
        refuseMovedDevices(before?.documents.rollout, rollout.document)
        next.set(model, { index: index.document, rollout: rollout.document })
        Object.assign(documents, index.bytes, rollout.bytes)
        follows = true
      } catch (cause) {
        if (!before || !isRefusedRollout(cause)) {
          stays(cause)
          continue
        }
        fail(cause)
        next.set(model, { index: index.document, rollout: before.documents.rollout })
        Object.assign(documents, index.bytes)
        lastGood.set(model, [before.rolloutVoucher])
        follows = true
      }
    }
    const [failure] = failures.values()
    if (failure && !follows) throw failure
    await this.#ports.atStep?.('check/documents-verified')

    const kept = states.flatMap((state) => keptOf(state, lastGood))
    const { checkedAt = 0, rootProbedAt = 0 } = stored ?? {}
    const times =
      reference === 'at-rest'
        ? { checkedAt, rootProbedAt }
        : { checkedAt: reference, rootProbedAt: look.probeRoot ? reference : rootProbedAt }
    await this.#records.complete({ ...updater.record, documents, kept, ...times })
    await this.#ports.atStep?.('check/stored')
    return { ...headOf(updater), checkedAt: times.checkedAt, models: next, failures }
  }

  /** The newest metadata: what was accepted before, also by a check that was interrupted, brought up to date. */
  async #refreshed(stored: StoredManifest | undefined, look: Look): Promise<Updater> {
    const { reference } = look
    const open = (record: TrustRecord | undefined): Promise<Updater> =>
      Updater.open({
        ...this.#updaterOptions(reference),
        record,
        source: this.#folder('metadata', look),
        save: (progress) => this.#records.saveProgress(progress),
      })
    let updater = await open((await this.#records.progress()) ?? stored)
    // Damaged progress must not take the floor away that what is stored is against rollback.
    if (!updater.intact && stored) updater = await open(stored)
    await updater.refresh(look)
    return updater
  }

  #verified(stored: StoredManifest): Promise<Verified> {
    const open = (record: TrustRecord): Promise<Updater> =>
      Updater.open({ ...this.#updaterOptions('at-rest'), record })
    return verifyStored(stored, open, this.#ports.log)
  }

  #folder(room: 'metadata' | 'targets', { baseUrl, signal }: Look): Folder {
    return new Folder(this.#ports, asFolder(baseUrl) + room, { ...METADATA, signal })
  }

  #updaterOptions(reference: Reference) {
    const { log, atStep } = this.#ports
    return { root: this.#root, reference, log, atStep }
  }
}

/** What a state vouches for of the models that could not follow, with its metadata. */
function keptOf(
  state: StoredState,
  lastGood: ReadonlyMap<string, readonly StoredState[]>,
): readonly StoredState[] {
  const models = [...lastGood].filter(([, vouchers]) => vouchers.includes(state)).map(([model]) => model)
  const documents = documentsFor(state, new Set(models))
  if (Object.keys(documents).length === 0) return []
  const { roots, timestamp, snapshot, roles } = state
  return [{ roots, timestamp, snapshot, roles, documents }]
}

/** Refused for what it says, which is not the doing of whoever signs the index. One that did not come may yet. */
function isRefusedRollout(error: unknown): boolean {
  return error instanceof AfieldError && error.code === 'rollout/invalid'
}

/** What a newer root would explain: other keys, or only that this one is old. */
function mayNeedRoot(error: unknown): boolean {
  if (!(error instanceof AfieldError)) return false
  const expired = error.code === 'manifest/expired' && error.details['file'] === 'root.json'
  return expired || error.code === 'manifest/signature'
}
