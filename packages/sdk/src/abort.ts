import { AfieldError } from '@afield/protocol'

/** The work's outcome, or `aborted` as soon as the signal says so. The work itself is not stopped by this. */
export function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(aborted(signal.reason))
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/** @throws AfieldError `aborted` when the signal was aborted before the work began. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw aborted(signal.reason)
}

export function aborted(cause: unknown): AfieldError {
  return new AfieldError('aborted', 'The call was aborted.', { cause })
}
