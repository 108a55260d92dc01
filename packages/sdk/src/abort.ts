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

/** A controller that a signal aborts too, until it is detached. */
export function abortedWith(signal: AbortSignal | undefined): {
  readonly controller: AbortController
  readonly detach: () => void
} {
  const controller = new AbortController()
  const forward = (): void => controller.abort(signal?.reason)
  if (signal?.aborted) forward()
  signal?.addEventListener('abort', forward)
  return { controller, detach: () => signal?.removeEventListener('abort', forward) }
}

/** An abort's reason where that is an error of ours, such as that time is up. */
export function aborted(cause: unknown): AfieldError {
  return cause instanceof AfieldError ? cause : new AfieldError('aborted', 'The call was aborted.', { cause })
}
