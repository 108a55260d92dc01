import { asAfieldError } from '@afield/protocol'
import type { FallbackOptions } from './fallback/options.js'
import type { Guard } from './guard.js'
import type { OpenPage } from './open-page.js'
import type { Route } from './route.js'

/**
 * The guard of a route. Its code is loaded with a fallback, and else when a call has a limit of time or the model first
 * fails.
 *
 * @param fallback from now on.
 * @throws AfieldError `engine/unavailable` where its code cannot be loaded; the next call tries again. `input/invalid`
 *   naming what is wrong with the fallback.
 */
export function guardOf(page: OpenPage, route: Route, fallback?: FallbackOptions): Promise<Guard> {
  if (route.guard && !fallback) return Promise.resolve(route.guard)
  const opening = import('./open-guard.js')
    .then(({ openGuard }) => openGuard(page, route, fallback))
    .then(
      // From here on, what is asked of it is asked at once.
      (guard) => (route.guard = guard),
      (cause: unknown) => {
        route.guard = undefined
        throw asAfieldError(cause, 'engine/unavailable', 'A file of the app could not be loaded')
      },
    )
  route.guard = opening
  return opening
}
