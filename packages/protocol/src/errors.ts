/**
 * Every way Afield can fail, as one closed union. A code is `room/what`, is safe to send in telemetry, and
 * never changes its meaning between releases.
 */
export const ERROR_CODES = [
  'batch/invalid',
  'batch/too-large',
  'chunk/hash-mismatch',
  'chunk/size-mismatch',
  'chunk/unavailable',
  'descriptor/invalid',
  'download/declined',
  'download/too-large',
  'engine/crashed',
  'engine/device-lost',
  'engine/hung',
  'engine/no-room',
  'engine/out-of-memory',
  'engine/overloaded',
  'engine/run-failed',
  'engine/runtime-unavailable',
  'engine/session-failed',
  'engine/timeout',
  'engine/unavailable',
  'engine/wrong-answer',
  'input/invalid',
  'internal/unexpected',
  'manifest/expired',
  'manifest/hash-mismatch',
  'manifest/invalid',
  'manifest/rollback',
  'manifest/signature',
  'manifest/too-large',
  'manifest/unavailable',
  'model/killed',
  'model/not-found',
  'model/revoked',
  'model/self-test-failed',
  'platform/unsupported',
  'remote/invalid',
  'remote/timeout',
  'remote/unauthorised',
  'remote/unavailable',
  'rollout/invalid',
  'storage/quota',
  'storage/unavailable',
  'telemetry/unavailable',
  'aborted',
  'closed',
] as const

export type ErrorCode = (typeof ERROR_CODES)[number]

/**
 * The one error class of Afield. `message` says what happened and what to do; `cause` keeps the error below it.
 *
 * @example
 * try { await model.predict(record) } catch (error) {
 *   if (error instanceof AfieldError && error.code === 'input/invalid') showFieldError(error.details)
 * }
 */
export class AfieldError extends Error {
  /** Also of a second copy of this class: code that is bundled apart, such as that of a kind of input, has its own. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'AfieldError' && 'code' in value
  }

  override readonly name = 'AfieldError'
  /** Facts for a program: the field of an invalid record, the path of a refused file. Never input values. */
  readonly details: Readonly<Record<string, string | number>>

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: { readonly cause?: unknown; readonly details?: Readonly<Record<string, string | number>> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.details = options.details ?? {}
  }
}

/** An {@link AfieldError} as plain data, fit for `postMessage` and JSON. */
export interface ErrorData {
  readonly code: ErrorCode
  readonly message: string
  readonly details: Readonly<Record<string, string | number>>
  readonly stack?: string
  readonly cause?: ErrorData
}

const MAX_CAUSES = 4

/** Turns any thrown value into {@link ErrorData}, causes included, so that a code survives a worker boundary. */
export function errorToData(error: unknown, depth = 0): ErrorData {
  const known = error instanceof AfieldError ? error : undefined
  const native = error instanceof Error ? error : undefined
  return {
    code: known?.code ?? 'internal/unexpected',
    message: native ? native.message : String(error),
    details: known?.details ?? {},
    ...(native?.stack ? { stack: native.stack } : {}),
    ...(native?.cause !== undefined && depth < MAX_CAUSES
      ? { cause: errorToData(native.cause, depth + 1) }
      : {}),
  }
}

/** The inverse of {@link errorToData}. */
export function errorFromData(data: ErrorData): AfieldError {
  const error = new AfieldError(data.code, data.message, {
    details: data.details,
    ...(data.cause ? { cause: errorFromData(data.cause) } : {}),
  })
  if (data.stack) error.stack = data.stack
  return error
}

/** Gives any thrown value a code, keeping one it already has. */
export function asAfieldError(error: unknown, code: ErrorCode, message: string): AfieldError {
  if (error instanceof AfieldError) return error
  const reason = error instanceof Error ? error.message : String(error)
  return new AfieldError(code, `${message} (${reason})`, { cause: error })
}
