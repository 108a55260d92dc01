import type { Day, ErrorCode, Histogram, ModelName, Version } from '@afield/protocol'
import type { ClickHouseClient } from '@clickhouse/client'

/** Everything the field reported about one version, summed. */
export interface VersionTotals {
  readonly model: ModelName
  readonly version: Version
  readonly deviceDays: number
  readonly served: number
  readonly errors: { readonly [code in ErrorCode]?: number }
  readonly latency: Histogram
  readonly firstDay: Day
  readonly lastDay: Day
}

// Servers before 25.8 write 64-bit integers as strings unless told otherwise.
const TOTALS = `
SELECT
  model,
  version,
  sum(device_days) AS deviceDays,
  sum(cells.served) AS served,
  sumMap(cells.errors) AS errors,
  sumMap(cells.latency) AS latency,
  min(day) AS firstDay,
  max(day) AS lastDay
FROM afield.cells AS cells
WHERE {model: String} = '' OR model = {model: String}
GROUP BY model, version
SETTINGS output_format_json_quote_64bit_integers = 0`

/** Totals per version, of one model or of all. */
export async function readTotals(client: ClickHouseClient, model = ''): Promise<readonly VersionTotals[]> {
  const result = await client.query({ query: TOTALS, query_params: { model }, format: 'JSONEachRow' })
  return result.json<VersionTotals>()
}
