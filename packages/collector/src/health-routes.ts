import type { ClickHouseClient } from '@clickhouse/client'
import type { FastifyInstance } from 'fastify'
import { HttpError } from './http-error.js'

/** `GET /health/live`: the process answers. `GET /health/ready`: so does its store, 503 if not. */
export function healthRoutes(app: FastifyInstance, client: ClickHouseClient): void {
  app.get('/health/live', async () => ({ status: 'live' }))

  app.get('/health/ready', async () => {
    const ping = await client.ping({ select: true })
    if (ping.success) return { status: 'ready' }
    throw new HttpError(503, 'storage/unavailable', 'The store does not answer.', 5, { cause: ping.error })
  })
}
