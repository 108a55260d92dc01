import type { Day } from '@afield/protocol'
import type { ClickHouseClient } from '@clickhouse/client'
import { selectCells } from './schema.js'

const DAYS_THAT_DIFFER = `
SELECT day FROM (
  SELECT day, count() AS expected, 0 AS found FROM afield.batches WHERE day >= {since: Date} GROUP BY day
  UNION ALL
  SELECT day, 0 AS expected, sum(batches) AS found FROM afield.cells WHERE day >= {since: Date} GROUP BY day
)
GROUP BY day
HAVING sum(expected) != sum(found)
ORDER BY day`

/**
 * Rebuilds the days of the roll-up that miss a batch.
 *
 * An insert writes the batches first and what the view makes of them second, each durably, but not both as one: a
 * process killed in between has the batch and not its sums, and the batch, sent again, is a known one. So whoever
 * is the only writer compares before it writes.
 *
 * @param since the first day of which every batch is still kept.
 * @returns the days that were rebuilt.
 */
export async function repairRollUp(client: ClickHouseClient, since: Day): Promise<readonly Day[]> {
  const result = await client.query({
    query: DAYS_THAT_DIFFER,
    query_params: { since },
    format: 'JSONEachRow',
  })
  const days = (await result.json<{ readonly day: Day }>()).map((row) => row.day)
  for (const day of days) {
    // A kill between these two leaves a day that differs, and the next start rebuilds it.
    await client.command({
      query: 'ALTER TABLE afield.cells DELETE WHERE day = {day: Date} SETTINGS mutations_sync = 1',
      query_params: { day },
    })
    await client.command({
      query: `INSERT INTO afield.cells ${selectCells('WHERE day = {day: Date}')}`,
      query_params: { day },
    })
  }
  return days
}
