import { MAX_BATCH_BYTES, parseBatch } from '@afield/protocol'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { HttpError } from '../http-error.js'
import { checkDay } from './days.js'
import type { RateLimiter } from './rate-limit.js'
import type { WriteQueue } from './write-queue.js'

export interface IngestOptions {
  readonly keys: ReadonlySet<string>
  readonly limiter: RateLimiter
  readonly queue: WriteQueue
}

interface BatchRequest {
  Querystring: { readonly key?: string | readonly string[] }
}

const PATH = '/v1/batches'

/**
 * `POST /v1/batches?key=INGEST_KEY`, a batch as `text/plain`: a request that no browser asks permission for.
 * Answers 200 `{status}` once the batch is on disk; the first of several copies counts.
 */
export function ingestRoutes(app: FastifyInstance, { keys, limiter, queue }: IngestOptions): void {
  const limitRate = async (request: FastifyRequest): Promise<void> => {
    const seconds = limiter.take(request.ip, Date.now())
    if (seconds > 0)
      throw new HttpError(429, 'ingest/rate-limited', 'Too many batches from one source.', seconds)
  }

  const checkKey = async (request: FastifyRequest<BatchRequest>): Promise<void> => {
    const { key } = request.query
    if (typeof key === 'string' && keys.has(key)) return
    throw new HttpError(401, 'ingest/unknown-key', 'This collector does not know the ingest key in ?key=.')
  }

  app.options(PATH, { onRequest: allowAnyOrigin }, async (_, reply) =>
    reply
      .header('access-control-allow-methods', 'POST')
      .header('access-control-allow-headers', 'content-type')
      .header('access-control-max-age', '86400')
      .code(204)
      .send(),
  )

  app.post<BatchRequest>(
    PATH,
    { bodyLimit: MAX_BATCH_BYTES, onRequest: [allowAnyOrigin, limitRate, checkKey] },
    async ({ body }) => {
      const batch = parseBatch(typeof body === 'string' ? body : '')
      checkDay(batch.day, Date.now())
      return { status: await queue.add(batch) }
    },
  )
}

/** Any page may report, so every answer, errors too, may be read by any page. */
async function allowAnyOrigin(_: FastifyRequest, reply: FastifyReply): Promise<void> {
  reply.header('access-control-allow-origin', '*').header('access-control-expose-headers', 'retry-after')
}
