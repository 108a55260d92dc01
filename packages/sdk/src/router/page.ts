import { AfieldError } from '@afield/protocol'

/** @throws AfieldError `platform/unsupported` where there is no page with workers. */
export function requirePage(): void {
  if (typeof document === 'object' && typeof Worker === 'function') return
  throw new AfieldError(
    'platform/unsupported',
    'Models run in a browser, and this is a server or a worker. Call load() on the page: in an effect or an event handler.',
  )
}

export interface PageEvents {
  /** Out of view, and perhaps never seen again; `isLast` where the page goes. */
  readonly hide: (isLast: boolean) => void
  readonly show: () => void
  readonly online: () => void
}

/** Tells what becomes of the page, until the signal is aborted. */
export function watchPage({ hide, show, online }: PageEvents, signal: AbortSignal): void {
  addEventListener('pagehide', () => hide(true), { signal })
  addEventListener('online', online, { signal })
  document.addEventListener(
    'visibilitychange',
    () => {
      if (document.visibilityState === 'hidden') hide(false)
      else show()
    },
    { signal },
  )
}
