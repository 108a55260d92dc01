import type { Model } from '../api.js'
import type { ModelName } from '../models.js'
import type { OpenPage } from './open-page.js'
import type { Route } from './route.js'

/** What an app holds of a model that it loaded. */
export function modelHandle<N extends ModelName>(
  name: N,
  route: Route,
  page: OpenPage,
  explain: Model['explain'],
): Model<N> {
  /** Once: afterwards nothing comes between an answer and who waits for it. */
  const thenFollow = <T>(asked: Promise<T>): Promise<T> =>
    page.isFollowing
      ? asked
      : asked.then((answer) => {
          page.follow()
          return answer
        })
  const model: Model = {
    name,
    get version() {
      return route.served?.version
    },
    predict: (input, given) => thenFollow(route.predict(input, given)),
    predictMany: (candidates, given) => thenFollow(route.predictMany(candidates, given)),
    benchmark: async (given = {}) => {
      // A file of its own, which only those load who measure.
      const { benchmark } = await import('./benchmark.js')
      return benchmark(route, given, () => page.keeper.ask((keeper) => keeper.golden(route.name)))
    },
    explain,
    pin: () => route.pin(),
    stats: () => Promise.reject(new Error('stats')),
    health: () => Promise.reject(new Error('health')),
    drift: () => Promise.reject(new Error('drift')),
  }
  // What a model answers is checked against its contract; which type that is, `afield types` told the compiler.
  return model as Model<N>
}
