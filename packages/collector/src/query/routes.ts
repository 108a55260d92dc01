import type { ClickHouseClient } from '@clickhouse/client'
import type { FastifyInstance } from 'fastify'
import { readTotals } from './cells.js'
import { reportVersions, type ReportRules, type VersionsReport } from './versions.js'

export interface QueryOptions extends ReportRules {
  readonly client: ClickHouseClient
  /** Origins whose pages may read the answers, beside the collector's own. */
  readonly readOrigins: ReadonlySet<string>
}

interface VersionsRequest {
  Querystring: { readonly model?: string | readonly string[] }
}

/** `GET /v1/versions?model=NAME`: how each version does; of every model when none is named. */
export function queryRoutes(app: FastifyInstance, { client, readOrigins, ...rules }: QueryOptions): void {
  app.get<VersionsRequest>('/v1/versions', async (request, reply): Promise<VersionsReport> => {
    const { origin } = request.headers
    reply.header('vary', 'origin').header('cache-control', 'no-store')
    if (origin !== undefined && readOrigins.has(origin)) reply.header('access-control-allow-origin', origin)
    const { model } = request.query
    return reportVersions(await readTotals(client, typeof model === 'string' ? model : ''), rules)
  })
}
