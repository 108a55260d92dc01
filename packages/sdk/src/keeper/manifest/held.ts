import { AfieldError, type ModelIndex } from '@afield/protocol'
import type { Logger } from '../ports.js'
import {
  fromStored,
  hasRollout,
  modelsOf,
  readIndex,
  readRollout,
  type ModelDocuments,
  type ReadTarget,
} from './documents.js'
import type { StoredManifest, StoredState } from './stored.js'
import type { Updater } from './updater.js'

/** What is stored of a model, and which states vouch for it: two, where only its index could follow. */
export interface Held {
  readonly documents: ModelDocuments
  readonly vouchers: readonly StoredState[]
  /** Vouches for the rollout, or for there being none. */
  readonly rolloutVoucher: StoredState
}

export interface Head {
  readonly version: number
  readonly expiresAt: number
}

export interface Verified {
  /** Of the newest state that verifies. */
  readonly head: Head | undefined
  readonly held: ReadonlyMap<string, Held>
}

/**
 * What of the stored states verifies: each document as the newest of them has it.
 *
 * @param open verifies the metadata of a state.
 */
export async function verifyStored(
  stored: StoredManifest,
  open: (record: StoredState) => Promise<Updater>,
  log: Logger,
): Promise<Verified> {
  const held = new Map<string, Held>()
  /** Stored without a rollout, which an older state then has. */
  const alone = new Map<string, { readonly index: ModelIndex; readonly state: StoredState }>()
  let head: Head | undefined
  for (const state of [stored, ...stored.kept]) {
    const updater = await open(state)
    if (!updater.trusted.complete) continue
    for (const model of modelsOf(state.documents)) {
      if (held.has(model)) continue
      const read = await readStored(model, updater, state, stored, log)
      const newer = alone.get(model)
      if (read && 'rollout' in read) {
        const { index, rollout } = read
        held.set(model, {
          documents: { index: newer?.index ?? index, rollout },
          vouchers: newer ? [newer.state, state] : [state],
          rolloutVoucher: state,
        })
      } else if (read && !newer) alone.set(model, { index: read.index, state })
    }
    head ??= headOf(updater)
  }
  return { head, held }
}

/** The index alone where the rollout is in an older state. */
async function readStored(
  model: string,
  updater: Updater,
  state: StoredState,
  { kept }: StoredManifest,
  log: Logger,
): Promise<ModelDocuments | Pick<ModelDocuments, 'index'> | undefined> {
  const readTarget: ReadTarget = fromStored(state.documents)
  try {
    const index = await readIndex(model, updater, readTarget)
    if (!index) return undefined
    const older = kept.slice(kept.indexOf(state) + 1)
    const isAlone =
      !hasRollout(state, model) && older.some(({ documents }) => modelsOf(documents).includes(model))
    if (isAlone) return { index: index.document }
    const rollout = await readRollout(model, updater, readTarget)
    return { index: index.document, rollout: rollout.document }
  } catch (error) {
    if (!(error instanceof AfieldError)) throw error
    log('warn', `What is stored of "${model}" no longer verifies and is fetched anew.`, error)
    return undefined
  }
}

export function headOf({ trusted }: Updater): Head {
  return { version: trusted.version ?? 0, expiresAt: trusted.expiresAt }
}
