import type { Model } from '../api.js'
import { checkOptions } from './check-given.js'
import type { OpenPage } from './open-page.js'
import type { Route } from './route.js'

export { checkNamed, checkOptions } from './check-given.js'

/** What is asked of a model now and then. Apart, so that an app's first load does not carry it. */
export interface Asking {
  readonly page: OpenPage
  readonly route: Route
}

type Call<M extends keyof Model> = Model[M] extends (...given: infer G) => infer R
  ? (asking: Asking, ...given: G) => R
  : never

export const benchmark: Call<'benchmark'> = async ({ page, route }, options = {}) => {
  checkOptions(options)
  const { benchmark: measure } = await import('./benchmark.js')
  return measure(route, options, async () => {
    // Says why nothing serves, if that is so.
    await route.ready()
    return page.keeper.ask((keeper) => keeper.golden(route.name))
  })
}

export const health: Call<'health'> = async (asking, options = {}) => {
  checkOptions(options)
  const { checkHealth } = await import('./health.js')
  const { page, route } = asking
  // Where the counts cannot be had, which was said by then, the test prediction alone tells.
  const counted = () =>
    page.counting.open().then(
      (counts) => counts.health(route),
      () => undefined,
    )
  return checkHealth(asking, options, counted)
}

export const stats: Call<'stats'> = async ({ page, route }) => (await page.counting.open()).stats(route)

export const drift: Call<'drift'> = async ({ page, route }) => (await page.counting.open()).drift(route)

/** Of a call whose options cannot be taken. */
export const refuse = (_asking: unknown, options: unknown): void => checkOptions(options)
