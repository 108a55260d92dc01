import { errorToData } from '@afield/protocol'
import { Chain } from './fallback/chain.js'
import type { FallbackOptions } from './fallback/options.js'
import { Guard } from './guard.js'
import type { OpenPage } from './open-page.js'
import type { Route } from './route.js'

const guards = new WeakMap<Route, Guard>()

/**
 * The guard of a route of this page.
 *
 * @throws AfieldError `input/invalid`, naming what is wrong with the fallback.
 */
export async function openGuard(page: OpenPage, route: Route, fallback?: FallbackOptions): Promise<Guard> {
  const guard = guards.get(route) ?? guardFor(page, route)
  guards.set(route, guard)
  if (fallback) guard.fallBackTo(await openChain(page, route, fallback))
  return guard
}

function guardFor(page: OpenPage, route: Route): Guard {
  const [model = '', version] = route.name.split('@')
  return new Guard({
    route,
    model,
    load: () =>
      page.keeper.cancellable(undefined, (keeper, task) =>
        keeper.load(model, version === undefined ? {} : { version }, task),
      ),
    throwIfClosed: () => page.calls.throwIfCut(),
    doubt: (error) => page.keeper.ask((keeper) => keeper.doubt(route.name, errorToData(error), false)),
    fellBack: () => undefined,
  })
}

async function openChain(page: OpenPage, route: Route, options: FallbackOptions): Promise<Chain> {
  const { remote } = options
  const { openRemote } = remote ? await import('./fallback/remote.js') : {}
  return new Chain(options, remote && openRemote?.(remote, page, route), (error) =>
    page.background.complain(error),
  )
}
