import type { AddressInfo } from 'node:net'
import { asAfieldError } from '@afield/protocol'
import { DEFAULT_HEALTH, type HealthThresholds } from '@afield/judge'
import type { ClickHouseClient } from '@clickhouse/client'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import { dashboardRoutes } from './dashboard/routes.js'
import { healthRoutes } from './health-routes.js'
import { oldestDay } from './ingest/days.js'
import { DEFAULT_RATE_LIMIT, RateLimiter, type RateLimit } from './ingest/rate-limit.js'
import { ingestRoutes } from './ingest/routes.js'
import { WriteQueue } from './ingest/write-queue.js'
import { createWrite } from './ingest/write.js'
import { queryRoutes } from './query/routes.js'
import { createServer } from './server.js'
import { openStore, type StoreLocation } from './store/open.js'
import { repairRollUp } from './store/roll-up.js'
import { createTables } from './store/schema.js'

/** Device-days a version must have been used on before anything about it is shown. */
export const DEFAULT_CELL_FLOOR = 50

export interface CollectorOptions {
  /** 0, the default, takes any free port. */
  readonly port?: number
  /** The address to listen on; default 127.0.0.1. */
  readonly host?: string
  /** The folder of the embedded store: one collector per folder, one folder per process. */
  readonly dataDir: string
  /** Ingest keys: they say which app reports, and are public like everything in a page. */
  readonly keys: readonly string[]
  /** Device-days below which a version is withheld; default {@link DEFAULT_CELL_FLOOR}, 1 in development. */
  readonly cellFloor?: number
  /** A ClickHouse server to use in place of the embedded store; `dataDir` is then left alone. */
  readonly clickhouse?: string
  /** Origins whose pages may read `/v1/versions`, such as `http://localhost:5173`; none by default. */
  readonly readOrigins?: readonly string[]
  /** Per source address; default {@link DEFAULT_RATE_LIMIT}. */
  readonly rateLimit?: RateLimit
  /** Whether a proxy in front names the source in X-Forwarded-For; default false. */
  readonly trustProxy?: boolean
  readonly health?: HealthThresholds
  /** Fastify's logger option; silent by default. */
  readonly logger?: FastifyServerOptions['logger']
}

export interface Collector {
  /** Where it listens, without a final slash. */
  readonly url: string
  /** Answers what is in flight, writes what waits, closes the store. */
  close(): Promise<void>
}

/**
 * Starts a collector: takes batches, keeps them, shows how versions do.
 *
 * @throws AfieldError `storage/unavailable` when the store cannot be opened.
 * @example
 * const collector = await startCollector({ dataDir: './telemetry', keys: ['my-app'] })
 * console.log(collector.url)
 */
export async function startCollector(options: CollectorOptions): Promise<Collector> {
  const location = locationOf(options)
  const client = await openStore(location)
  const queue = new WriteQueue(createWrite(client, location.kind === 'embedded'))
  const app = createServer({ logger: options.logger ?? false, trustProxy: options.trustProxy ?? false })
  try {
    await prepareStore(client, location, app)
    ingestRoutes(app, {
      keys: new Set(options.keys),
      limiter: new RateLimiter(options.rateLimit ?? DEFAULT_RATE_LIMIT),
      queue,
    })
    queryRoutes(app, {
      client,
      readOrigins: new Set(options.readOrigins),
      cellFloor: options.cellFloor ?? DEFAULT_CELL_FLOOR,
      health: options.health ?? DEFAULT_HEALTH,
    })
    healthRoutes(app, client)
    dashboardRoutes(app)
    await app.listen({ port: options.port ?? 0, host: options.host ?? '127.0.0.1' })
  } catch (error) {
    await client.close()
    throw error
  }
  return { url: urlOf(app), close: once(() => shutDown(app, queue, client)) }
}

function locationOf({ clickhouse, dataDir }: CollectorOptions): StoreLocation {
  return clickhouse === undefined ? { kind: 'embedded', dataDir } : { kind: 'server', url: clickhouse }
}

async function prepareStore(
  client: ClickHouseClient,
  location: StoreLocation,
  app: FastifyInstance,
): Promise<void> {
  try {
    await createTables(client)
  } catch (error) {
    throw asAfieldError(error, 'storage/unavailable', 'The store did not answer: is the address right?')
  }
  if (location.kind !== 'embedded') return
  const days = await repairRollUp(client, oldestDay(Date.now()))
  if (days.length > 0) app.log.warn({ days }, 'rebuilt the roll-up after an interrupted write')
}

function urlOf(app: FastifyInstance): string {
  const { address, family, port } = app.server.address() as AddressInfo
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}

async function shutDown(app: FastifyInstance, queue: WriteQueue, client: ClickHouseClient): Promise<void> {
  await app.close()
  await queue.drain()
  await client.close()
}

function once<T>(action: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined
  return () => (result ??= action())
}
