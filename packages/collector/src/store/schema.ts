import type { ClickHouseClient } from '@clickhouse/client'

/** How long a batch and its id are kept: the 36 days in which a device may send it again, and some. */
const BATCH_DAYS = 40

/** How long the roll-up is kept: a year to compare with. */
const CELL_DAYS = 400

/** A written row is on disk before the insert returns, and stays there when parts are merged. */
const DURABLE = 'fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1'

/** One row per batch, by id, so that asking whether an id is known reads one granule. */
const BATCHES = `
CREATE TABLE IF NOT EXISTS afield.batches (
  id FixedString(32),
  received Date,
  day Date,
  sdk LowCardinality(String),
  model LowCardinality(String),
  version LowCardinality(String),
  arm LowCardinality(String),
  backend LowCardinality(String),
  device LowCardinality(String),
  epoch UInt64,
  step UInt64,
  first_today UInt8,
  served UInt64,
  errors Map(String, UInt64),
  funnel Map(String, UInt64),
  drops Map(String, UInt64),
  latency Map(Int16, UInt64)
)
ENGINE = MergeTree
PARTITION BY toMonday(received)
ORDER BY id
TTL received + INTERVAL ${BATCH_DAYS} DAY
SETTINGS ttl_only_drop_parts = 1, ${DURABLE}`

/** What is asked for: sums per day and cell. */
const CELLS = `
CREATE TABLE IF NOT EXISTS afield.cells (
  day Date,
  model LowCardinality(String),
  version LowCardinality(String),
  arm LowCardinality(String),
  backend LowCardinality(String),
  device LowCardinality(String),
  epoch UInt64,
  step UInt64,
  batches SimpleAggregateFunction(sum, UInt64),
  device_days SimpleAggregateFunction(sum, UInt64),
  served SimpleAggregateFunction(sum, UInt64),
  errors SimpleAggregateFunction(sumMap, Map(String, UInt64)),
  funnel SimpleAggregateFunction(sumMap, Map(String, UInt64)),
  drops SimpleAggregateFunction(sumMap, Map(String, UInt64)),
  latency SimpleAggregateFunction(sumMap, Map(Int16, UInt64))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (model, version, day, arm, backend, device, epoch, step)
TTL day + INTERVAL ${CELL_DAYS} DAY
SETTINGS ${DURABLE}`

/** Batches summed into cells: the body of the materialised view, and of the roll-up's repair. */
export function selectCells(where = ''): string {
  return `
SELECT
  day, model, version, arm, backend, device, epoch, step,
  count() AS batches,
  sum(first_today) AS device_days,
  sum(served) AS served,
  sumMap(errors) AS errors,
  sumMap(funnel) AS funnel,
  sumMap(drops) AS drops,
  sumMap(latency) AS latency
FROM afield.batches ${where}
GROUP BY day, model, version, arm, backend, device, epoch, step`
}

const CELLS_FROM_BATCHES = `
CREATE MATERIALIZED VIEW IF NOT EXISTS afield.cells_from_batches TO afield.cells AS ${selectCells()}`

/** Creates what is not there yet. */
export async function createTables(client: ClickHouseClient): Promise<void> {
  for (const query of ['CREATE DATABASE IF NOT EXISTS afield', BATCHES, CELLS, CELLS_FROM_BATCHES]) {
    await client.command({ query })
  }
}
