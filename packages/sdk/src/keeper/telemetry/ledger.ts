import * as v from 'valibot'
import type { DropReason } from '@afield/protocol'
import { understood } from '../understood.js'

const LedgerSchema = v.object({
  sent: v.number(),
  lastSent: v.optional(v.string()),
  drops: v.record(v.string(), v.number()),
})

/** How many batches were sent, and how many counts never will be. */
export type Ledger = v.InferOutput<typeof LedgerSchema>

export function readLedger(value: unknown): Ledger {
  return understood(LedgerSchema, value) ?? { sent: 0, drops: {} }
}

export function dropped(ledger: Ledger, reason: DropReason | 'withheld', count: number): Ledger {
  return { ...ledger, drops: { ...ledger.drops, [reason]: (ledger.drops[reason] ?? 0) + count } }
}
