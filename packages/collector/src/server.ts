import Fastify, { LogController, type FastifyInstance, type FastifyServerOptions } from 'fastify'
import { HttpError, toHttpError } from './http-error.js'

export interface ServerOptions {
  readonly logger: NonNullable<FastifyServerOptions['logger']>
  readonly trustProxy: boolean
}

/**
 * An HTTP server with the house's answers for errors, `{error: {code, message}}`, and its log: one line per request
 * with method, route, status and milliseconds. No address, no URL, no query, no body.
 */
export function createServer({ logger, trustProxy }: ServerOptions): FastifyInstance {
  const app = Fastify({
    logger,
    trustProxy,
    logController: new LogController({ disableRequestLogging: true }),
  })

  app.addHook('onSend', async (_, reply) => {
    reply.header('x-content-type-options', 'nosniff').header('referrer-policy', 'no-referrer')
  })

  app.addHook('onResponse', async (request, reply) => {
    const ms = Math.round(reply.elapsedTime * 10) / 10
    const route = request.routeOptions.url ?? 'unknown'
    request.log.info({ method: request.method, route, status: reply.statusCode, ms }, 'request')
  })

  app.setNotFoundHandler(async () => {
    throw new HttpError(404, 'http/not-found', 'There is nothing here.')
  })

  app.setErrorHandler(async (error, request, reply) => {
    const { status, code, message, retryAfter, cause } = toHttpError(error)
    if (status >= 500) request.log.error({ code, err: cause }, message)
    if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter))
    return reply.code(status).send({ error: { code, message } })
  })

  return app
}
