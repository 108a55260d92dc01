import * as v from 'valibot'
import type { Batch } from '@afield/protocol'
import type { KeyValueStore } from '../ports.js'
import { understood } from '../understood.js'
import { ROOM } from './off.js'
import { dropped, type Ledger } from './ledger.js'

const OUTBOX = `${ROOM}batch/`
const MAX_BYTES = 512 * 1024

/** How long anything waits on a device. */
export const MAX_AGE_MS = 35 * 24 * 60 * 60 * 1000

const SealedSchema = v.object({ text: v.string(), sealedAt: v.number() })
/** A sealed batch: its bytes are final, so that a retry sends the same. */
export type Sealed = v.InferOutput<typeof SealedSchema>

/** A batch under the key that it waits at. */
export type Waiting = readonly [key: string, sealed: Sealed]

export function waitingOf(batch: Batch, now: number): Waiting {
  return [OUTBOX + batch.id, { text: JSON.stringify(batch), sealedAt: now }]
}

/** What waits to be sent, oldest first. */
export async function readOutbox(state: KeyValueStore): Promise<readonly Waiting[]> {
  const keys = (await state.keys()).filter((key) => key.startsWith(OUTBOX))
  const values = await state.getMany(keys)
  return keys
    .flatMap((key, i) => {
      const sealed = understood(SealedSchema, values[i])
      return sealed ? [[key, sealed] as const] : []
    })
    .sort(([, a], [, b]) => a.sealedAt - b.sealedAt)
}

/** What has to go for the outbox to keep within its bounds, oldest first, and the ledger that says how many went. */
export function evict(
  outbox: readonly Waiting[],
  before: Ledger,
  now: number,
): { readonly gone: readonly string[]; readonly ledger: Ledger } {
  let bytes = outbox.reduce((sum, [, sealed]) => sum + sealed.text.length, 0)
  let ledger = before
  const gone: string[] = []
  for (const [key, sealed] of outbox) {
    const expired = now - sealed.sealedAt > MAX_AGE_MS
    if (!expired && bytes <= MAX_BYTES) continue
    bytes -= sealed.text.length
    ledger = dropped(ledger, expired ? 'expired' : 'evicted', 1)
    gone.push(key)
  }
  return { gone, ledger }
}
