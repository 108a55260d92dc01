import { errorToData, invalidInput, type AfieldError } from '@afield/protocol'
import { Chain } from './fallback/chain.js'
import type { AnyFallback } from './fallback/options.js'
import { Guard } from './guard.js'
import type { OpenPage } from './open-page.js'
import type { Route } from './route.js'

const guards = new WeakMap<Route, Guard>()

/**
 * The guard of a route of this page.
 *
 * @throws AfieldError `input/invalid`, naming what is wrong with the fallback.
 */
export async function openGuard(page: OpenPage, route: Route, fallback?: AnyFallback): Promise<Guard> {
  const guard = guards.get(route) ?? guardFor(page, route)
  guards.set(route, guard)
  if (fallback) guard.fallBackTo(await openChain(page, route, fallback))
  // From here on it hears of each call itself.
  route.onFailed = undefined
  return guard
}

function guardFor(page: OpenPage, route: Route): Guard {
  const { model, version } = route
  return new Guard({
    route,
    model,
    load: () =>
      page.keeper.cancellable(undefined, (keeper, task) =>
        keeper.load(model, version === undefined ? {} : { version }, task),
      ),
    throwIfClosed: () => {
      const { end } = page.calls
      // Without its keeper, what serves goes on serving.
      if (end?.code === 'closed') throw end
    },
    doubt: async (error) => {
      try {
        await page.keeper.ask((keeper) => keeper.doubt(route.name, errorToData(error), false))
      } catch (cause) {
        page.background.complain(cause)
        throw cause
      }
    },
    fellBack: (by, ms, times, isTold) => page.counting.fellBack(model, by, ms, times, isTold),
    refused: ({ code }, times) => {
      if (route.served) page.counting.failed(route.served, code, times)
    },
  })
}

async function openChain(page: OpenPage, route: Route, options: AnyFallback): Promise<Chain> {
  checkFallback(options)
  const { remote } = options
  const complain = (error: AfieldError): void => page.background.complain(error)
  if (!remote) return new Chain(options, undefined, complain)
  const { RemoteFallback } = await import('./fallback/remote.js')
  const name = route.model
  const contract = () => page.keeper.ask((keeper) => keeper.remoteContract(route.name))
  let onRetired = (): void => undefined
  const retired = new Promise<void>((resolve) => (onRetired = resolve))
  const server = new RemoteFallback({ ...remote, name, contract, onRetired })
  const chain = new Chain(options, server, complain)
  // Lives as long as the app's calls do, or until another takes its place.
  page.calls.hold(() => retired).catch((error: AfieldError) => server.close(error))
  return chain
}

/**
 * Outputs, a function or a URL in the place of the options would be a fallback that never answers.
 *
 * @throws AfieldError `input/invalid`, field `fallback` or `fallback.remote`.
 */
function checkFallback(options: AnyFallback): void {
  const isKnown = (name: string): boolean => name === 'remote' || name === 'answer'
  if (!isPlain(options) || !Object.keys(options).every(isKnown)) {
    throw invalidInput(
      'fallback',
      'mistyped',
      'takes an object with `remote`, `answer` or both, and no other',
    )
  }
  if (options.remote === undefined || isPlain(options.remote)) return
  throw invalidInput('fallback.remote', 'mistyped', 'takes an object with the `url` of a server')
}

function isPlain(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
