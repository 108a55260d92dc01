import type { Model, PredictOptions } from '../api.js'
import { abortable } from '../abort.js'
import type { ModelName } from '../models.js'
import { isOdd, modelCalls, partMissing } from './given.js'
import { guardOf, guardOnFailure, inTime } from './guarded.js'
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
  const asks =
    (how: 'predict' | 'predictMany') =>
    (given: never, options?: PredictOptions): Promise<never> => {
      const { guard } = route
      const asked: Promise<unknown> = isOdd(options)
        ? later('refuse')(options)
        : guard || options?.timeoutMs !== undefined
          ? askGuarded(how, given, options, guard)
          : route[how](given, options)
      return thenFollow(asked) as Promise<never>
    }
  const askGuarded = (
    how: 'predict' | 'predictMany',
    given: never,
    options: PredictOptions | undefined,
    guard: Route['guard'],
  ): Promise<unknown> => {
    const began = performance.now()
    if (guard && 'breaker' in guard) return guard[how](given, options, began)
    const { signal, timeoutMs } = options ?? {}
    const opening = abortable(inTime(guardOf(page, route), timeoutMs), signal)
    return opening.then(
      (opened): Promise<unknown> =>
        opened ? opened[how](given, options, began) : inTime<unknown>(route[how](given, options), timeoutMs),
      // Its code takes longer to come than the call may. Given up before it was asked, it is counted all the same.
      (reason: unknown): Promise<unknown> =>
        route[how](given, { ...options, signal: AbortSignal.abort(reason) }),
    )
  }
  // Until there is a guard, which hears of each call.
  if (!route.guard) guardOnFailure(page, route)
  // A file of its own, with what is asked of a model now and then.
  const later =
    (call: keyof typeof import('./model-calls.js')) =>
    async (given?: object): Promise<never> => {
      try {
        const calls = await modelCalls()
        return (await calls[call]({ page, route }, given)) as never
      } catch (cause) {
        return partMissing(cause)
      }
    }
  const model: Model = {
    name,
    get version() {
      return route.served?.version
    },
    predict: asks('predict'),
    predictMany: asks('predictMany'),
    benchmark: later('benchmark'),
    explain,
    pin: () => route.pin(),
    stats: later('stats'),
    health: later('health'),
    drift: later('drift'),
  }
  // What a model answers is checked against its contract; which type that is, `afield types` told the compiler.
  return model as Model<N>
}
