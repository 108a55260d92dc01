import { useSyncExternalStore } from 'react'
import type { Afield } from '../api.js'
import type { ModelName } from '../models.js'
import { requirePage } from '../router/page.js'
import { LOADING, ModelLoad, type ModelState, type ReadyModel, type UseModelOptions } from './model-load.js'

/**
 * A model as a component sees it. It is loaded once for all components that show it, and the load is aborted when the
 * last of them is taken out before it ends. On a server, and until it is hydrated, it is loading.
 *
 * @example
 * const risk = useModel(afield, 'learner-risk')
 * if (risk.status === 'loading') return <progress value={risk.progress?.loadedBytes} max={risk.progress?.totalBytes} />
 * if (risk.status === 'failed') return <button onClick={risk.retry}>{risk.error.message}</button>
 * return <Form onSubmit={async (record) => setAnswer(await risk.predict(record))} />
 *
 * @typeParam N a name that `afield types` declared has its model's input and outputs.
 */
export function useModel<N extends ModelName>(
  afield: Afield,
  name: N,
  options: UseModelOptions<N> = {},
): ModelState<N> {
  const load = loadOf(afield, name, options)
  return useSyncExternalStore(load.subscribe, load.read, () => LOADING)
}

/**
 * A model for a component inside `<Suspense>`, which waits until it is there. Inside a boundary, a server leaves the
 * component to the browser.
 *
 * @throws AfieldError what `load()` rejects with, for an error boundary; {@link retryModel} before it is reset.
 */
export function useSuspenseModel<N extends ModelName>(
  afield: Afield,
  name: N,
  options: UseModelOptions<N> = {},
): ReadyModel<N> {
  const load = loadOf(afield, name, options)
  const state = useSyncExternalStore(load.subscribe, load.read, load.read)
  if (state.status === 'ready') return state
  if (state.status === 'failed') throw state.error
  requirePage()
  throw load.wait()
}

/** Tries a load anew that failed; without one that did, nothing happens. */
export function retryModel(afield: Afield, name: ModelName, options: UseModelOptions = {}): void {
  loadOf(afield, name, options).retry()
}

const loads = new WeakMap<Afield, Map<string, ModelLoad<ModelName>>>()

function loadOf<N extends ModelName>(
  afield: Afield,
  name: N,
  { version, fallback }: UseModelOptions<N>,
): ModelLoad<N> {
  const known = loads.get(afield) ?? new Map<string, ModelLoad<ModelName>>()
  loads.set(afield, known)
  const key = version === undefined ? name : `${name}@${version}`
  const load = known.get(key) ?? new ModelLoad<ModelName>(afield, name, version)
  known.set(key, load)
  // What is kept under a name was made for it.
  const own = load as ModelLoad<N>
  own.fallBackTo(fallback)
  return own
}
