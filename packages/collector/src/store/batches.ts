import type { Batch, BatchId, Day } from '@afield/protocol'
import type { ClickHouseClient } from '@clickhouse/client'

/** Which of these ids the store has already counted. */
export async function knownIds(
  client: ClickHouseClient,
  ids: readonly BatchId[],
): Promise<ReadonlySet<BatchId>> {
  const result = await client.query({
    query: 'SELECT DISTINCT id FROM afield.batches WHERE id IN {ids: Array(String)}',
    query_params: { ids },
    format: 'JSONEachRow',
  })
  const rows = await result.json<{ readonly id: BatchId }>()
  return new Set(rows.map((row) => row.id))
}

/** Writes batches in one insert; they are on disk when it resolves. `received` is a day, never a time. */
export async function insertBatches(
  client: ClickHouseClient,
  batches: readonly Batch[],
  received: Day,
): Promise<void> {
  await client.insert({
    table: 'afield.batches',
    format: 'JSONEachRow',
    values: batches.map((batch) => toRow(batch, received)),
  })
}

function toRow({ id, day, sdk, cell, firstToday, ops }: Batch, received: Day) {
  const { count: served, errors, funnel, drops = {}, latency } = ops
  return {
    id,
    received,
    day,
    sdk,
    ...cell,
    first_today: Number(firstToday),
    served,
    errors,
    funnel,
    drops,
    latency,
  }
}
