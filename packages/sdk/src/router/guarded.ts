import { AfieldError, asAfieldError } from '@afield/protocol'
import { MAX_TIMER_MS } from '../timers.js'
import type { AnyFallback } from './fallback/options.js'
import type { Guard } from './guard.js'
import type { OpenPage } from './open-page.js'
import type { Route } from './route.js'

/** Fallbacks that wait for their code. */
const waiting = new WeakMap<Route, AnyFallback>()
const complained = new WeakSet<Route>()

/**
 * The guard of a route. Its code is loaded with a fallback, and else when a call has a limit of time or the model first
 * fails.
 *
 * @param fallback from now on.
 * @returns `undefined` where its code cannot be loaded, which is logged once: the model answers without it, and the next
 *   call that fails or has a limit of time tries again.
 * @throws AfieldError `input/invalid` naming what is wrong with the fallback.
 */
export function guardOf(
  page: OpenPage,
  route: Route,
  fallback = waiting.get(route),
): Promise<Guard | undefined> {
  const last = route.guard
  if (last && !fallback) return Promise.resolve(last)
  const opening = open(page, route, fallback, last)
  // What is wrong with a fallback concerns who gave it: whoever asks meanwhile has what was there before.
  route.guard = opening.catch(() => last)
  return opening
}

/** Has its guard hear of each call that failed, until the guard is here and hears of every call. */
export function guardOnFailure(page: OpenPage, route: Route): void {
  route.onFailed = (...failure) =>
    page.background.run(async () => (await guardOf(page, route))?.failed(...failure))
}

/** What comes without a guard, no later than the call may take. What is no time at all, a guard refuses. */
export function inTime<T>(asked: Promise<T>, timeoutMs = 0): Promise<T> {
  if (!(timeoutMs > 0)) return asked
  return new Promise((resolve, reject) => {
    const late = (): void =>
      reject(new AfieldError('engine/timeout', `No answer came within ${timeoutMs} ms.`))
    const timer = setTimeout(late, Math.min(timeoutMs, MAX_TIMER_MS))
    asked.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

async function open(
  page: OpenPage,
  route: Route,
  fallback: AnyFallback | undefined,
  last: Route['guard'],
): Promise<Guard | undefined> {
  // One after the other, so that what fails leaves what was there before.
  const before = await last
  try {
    const { openGuard } = await import('./open-guard.js')
    const guard = await openGuard(page, route, fallback)
    waiting.delete(route)
    // From here on, what is asked of it is asked at once.
    return (route.guard = guard)
  } catch (cause) {
    route.guard = before
    if (cause instanceof AfieldError) throw cause
    if (fallback) waiting.set(route, fallback)
    if (!complained.has(route)) {
      complained.add(route)
      const what = `What answers in the place of "${route.name}" could not be loaded`
      page.background.complain(asAfieldError(cause, 'engine/unavailable', what))
    }
    return before
  }
}
