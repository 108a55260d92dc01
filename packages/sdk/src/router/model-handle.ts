import type { Model, PredictOptions } from '../api.js'
import type { ModelName } from '../models.js'
import { guardOf } from './guarded.js'
import type { OpenPage } from './open-page.js'
import type { Route } from './route.js'

/** What an app holds of a model that it loaded. */
export function modelHandle<N extends ModelName>(
  name: N,
  route: Route,
  page: OpenPage,
  explain: Model['explain'],
): Model<N> {
  const asks =
    (how: 'predict' | 'predictMany') =>
    async (given: never, options: PredictOptions = {}): Promise<never> => {
      const began = performance.now()
      try {
        const guards = route.guard !== undefined || options.timeoutMs !== undefined
        const answers = guards ? await guardOf(page, route) : route
        const answered = await answers[how](given, options, began)
        page.follow()
        return answered as never
      } catch (error) {
        if (!route.guard) page.background.run(async () => (await guardOf(page, route)).failed(error))
        throw error
      }
    }
  // A file of its own, with what is asked of a model now and then.
  const later =
    (call: keyof typeof import('./model-calls.js')) =>
    async (given?: object): Promise<never> =>
      (await import('./model-calls.js'))[call]({ page, route }, given as never) as Promise<never>
  const model: Model = {
    name,
    get version() {
      return route.served?.version
    },
    predict: asks('predict'),
    predictMany: asks('predictMany'),
    benchmark: later('benchmark'),
    explain,
    pin: later('pin'),
    stats: later('stats'),
    health: later('health'),
    drift: later('drift'),
  }
  // What a model answers is checked against its contract; which type that is, `afield types` told the compiler.
  return model as Model<N>
}
