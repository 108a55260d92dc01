import { AfieldError, type ErrorCode } from '@afield/protocol'

/** Everything `error.code` of an answer can be. */
export type ApiErrorCode =
  | ErrorCode
  | 'ingest/unknown-key'
  | 'ingest/rate-limited'
  | 'ingest/overloaded'
  | 'http/bad-request'
  | 'http/not-found'
  | 'http/unsupported-media-type'

/** An answer that is an error: its status, its code and, where it makes sense to try again, in how many seconds. */
export class HttpError extends Error {
  override readonly name = 'HttpError'

  constructor(
    readonly status: number,
    readonly code: ApiErrorCode,
    message: string,
    readonly retryAfter?: number,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** How long a device waits before it tries a store again that did not answer, in seconds. */
const STORE_RETRY_SECONDS = 30

const KNOWN: { readonly [code: string]: readonly [status: number, code: ApiErrorCode, message: string] } = {
  'batch/invalid': [400, 'batch/invalid', 'The batch is not valid.'],
  'batch/too-large': [413, 'batch/too-large', 'The batch is too large.'],
  FST_ERR_CTP_BODY_TOO_LARGE: [413, 'batch/too-large', 'The body is larger than a batch may be.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [415, 'http/unsupported-media-type', 'Send the batch as text/plain.'],
}

/** What to answer for an error: ours as it is, Fastify's by its status, and anything else is the store's failure. */
export function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error
  const known = KNOWN[codeOf(error)]
  if (known) {
    const [status, code, message] = known
    return new HttpError(status, code, error instanceof AfieldError ? error.message : message)
  }
  if (statusOf(error) < 500)
    return new HttpError(statusOf(error), 'http/bad-request', 'The request is malformed.')
  return new HttpError(
    503,
    'storage/unavailable',
    'The store did not answer. Try again.',
    STORE_RETRY_SECONDS,
    {
      cause: error,
    },
  )
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

function statusOf(error: unknown): number {
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined
  return typeof status === 'number' && status >= 400 ? status : 500
}
