import { dayOf } from '@afield/protocol'
import type { ClickHouseClient } from '@clickhouse/client'
import { insertBatches, knownIds } from '../store/batches.js'
import { repairRollUp } from '../store/roll-up.js'
import { oldestDay } from './days.js'
import type { WriteGroup } from './write-queue.js'

/**
 * The write behind the queue: drop what is known, insert the rest.
 *
 * @param soleWriter whether nobody else writes to this store. Only then can the roll-up be compared with the batches
 *   and repaired after a write that failed, which may have been half done.
 */
export function createWrite(client: ClickHouseClient, soleWriter: boolean): WriteGroup {
  let doubtful = false
  return async (batches) => {
    const now = Date.now()
    if (doubtful) await repairRollUp(client, oldestDay(now))
    doubtful = soleWriter
    const known = await knownIds(
      client,
      batches.map((batch) => batch.id),
    )
    const fresh = batches.filter((batch) => !known.has(batch.id))
    if (fresh.length > 0) await insertBatches(client, fresh, dayOf(now))
    doubtful = false
    return known
  }
}
